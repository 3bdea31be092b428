"""What GraphQL nodes look like: dicts that the default resolvers read; fields with arguments are in resolvers.py."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sandbox.github.commits import Commit, oid
from sandbox.github.people import Organization, Person, utc_text
from sandbox.github.population import Population
from sandbox.github.repositories import Repository

Node = dict[str, Any]

BASE_URL = "https://github.example.com"
_COMMITS_A_YEAR = 1_200
_REVIEWS_A_YEAR = 150
_AUTHORS_KEPT = 20_000


def account_node(population: Population, account: Person | Organization) -> Node:
    """Return the node of an account: User, Bot, or Organization (also for a person converted to one)."""
    if isinstance(account, Person) and account.kind != "organization":
        return _bot_node(account) if account.kind == "bot" else user_node(population, account)
    return {
        "__typename": "Organization",
        "id": account.id,
        "databaseId": account.database_id,
        "login": account.login,
        "name": account.name,
        "description": None,
        "email": None,
        "location": None,
        "websiteUrl": f"https://{account.login}.example.org",
        "url": f"{BASE_URL}/{account.login}",
        "createdAt": utc_text(account.created_at),
        "updatedAt": utc_text(population.as_of),
    }


def user_node(population: Population, person: Person) -> Node:
    """Return a User."""
    return {
        "__typename": "User",
        "__person": person,
        "id": person.id,
        "databaseId": person.database_id,
        "login": person.login,
        "name": person.name,
        "email": person.email,
        "bio": person.bio,
        "company": person.company,
        "location": person.location,
        "websiteUrl": person.website,
        "twitterUsername": person.twitter,
        "pronouns": person.pronouns,
        "isHireable": person.hireable,
        "url": f"{BASE_URL}/{person.login}",
        "createdAt": utc_text(person.created_at),
        "updatedAt": utc_text(population.as_of),
    }


def repository_node(population: Population, repository: Repository) -> Node:
    """Return a Repository."""
    return {
        "__typename": "Repository",
        "__repository": repository,
        "id": repository.id,
        "databaseId": repository.database_id,
        "name": repository.name,
        "nameWithOwner": repository.name_with_owner,
        "url": f"{BASE_URL}/{repository.name_with_owner}",
        "homepageUrl": None,
        "description": repository.description,
        "stargazerCount": repository.stars,
        "forkCount": repository.forks,
        "isArchived": repository.archived,
        "isFork": repository.fork,
        "isPrivate": False,
        "isDisabled": False,
        "isEmpty": repository.commit_count == 0,
        "pushedAt": utc_text(repository.pushed_at),
        "createdAt": utc_text(repository.created_at),
        "updatedAt": utc_text(repository.pushed_at),
        "primaryLanguage": _language_node(repository.language),
        "owner": lambda _info: account_node(population, repository.owner),
        "defaultBranchRef": lambda _info: _branch_node(population, repository),
    }


def commit_node(population: Population, repository: Repository, position: int, commit: Commit) -> Node:
    """Return a Commit by its position in the history, 0 for the newest. What is rarely asked for is made on demand."""

    def name(_info: object = None) -> str:
        return oid(population.seed, repository.index, position)

    return {
        "__typename": "Commit",
        "__repository": repository,
        "__position": position,
        "id": lambda _info: f"C_{repository.id}_{name()}",
        "oid": name,
        "abbreviatedOid": lambda _info: name()[:7],
        "messageHeadline": f"Change {position}",
        "url": lambda _info: f"{BASE_URL}/{repository.name_with_owner}/commit/{name()}",
        "committedDate": lambda _info: utc_text(datetime.fromtimestamp(commit.committed, UTC)),
        "authoredDate": lambda _info: utc_text(datetime.fromtimestamp(commit.authored, UTC)),
        "authoredByCommitter": commit.by_committer,
        "author": lambda _info: actor_node(population, commit),
    }


def actor_node(population: Population, commit: Commit) -> Node:
    """Return the GitActor of a commit; its user is null for an app and for an address without account."""
    user: Node | None = None
    if commit.author_kind in {"person", "bot"}:
        user = _author_node(population, commit.author, bot=commit.author_kind == "bot")
    return {
        "date": lambda _info: commit.author_date(),
        "email": lambda _info: actor(population, commit)[1],
        "name": lambda _info: actor(population, commit)[0],
        "user": user,
    }


@lru_cache(maxsize=_AUTHORS_KEPT)
def _author_node(population: Population, index: int, *, bot: bool) -> Node:
    """Return the User who wrote a commit; the same people write many of them."""
    return user_node(population, (population.bots if bot else population.people)[index])


def actor(population: Population, commit: Commit) -> tuple[str, str]:
    """Return name and address as they stand in the commit: not what the profile publishes."""
    if commit.author_kind == "app":
        return "updates-app[bot]", "49699333+updates-app[bot]@users.noreply.example.com"
    if commit.author_kind == "unknown":
        return "Unknown Hand", f"dev-{commit.author}@laptop.example.net"
    people = population.people if commit.author_kind == "person" else population.bots
    person = people[commit.author]
    return person.name or person.login, f"{person.login}@commits.example.net"


def _bot_node(bot: Person) -> Node:
    return {
        "__typename": "Bot",
        "id": bot.id,
        "databaseId": bot.database_id,
        "login": bot.login,
        "url": f"{BASE_URL}/apps/{bot.login}",
        "createdAt": utc_text(bot.created_at),
        "updatedAt": utc_text(bot.created_at),
    }


def _language_node(name: str | None) -> Node | None:
    return {"id": f"LANG_{name}", "name": name, "color": None} if name else None


def _branch_node(population: Population, repository: Repository) -> Node | None:
    if repository.commit_count == 0:
        return None
    head = population.commits_of(repository.index)[0]
    return {
        "id": f"REF_{repository.id}",
        "name": "main",
        "prefix": "refs/heads/",
        "repository": lambda _info: repository_node(population, repository),
        "target": lambda _info: commit_node(population, repository, 0, head),
    }


def contributions_node(population: Population, person: Person) -> Node:
    """Return the sums of the last year; invented from the person's number, not counted."""
    number = person.database_id * 2_654_435_761 % 2**32
    return {
        "startedAt": utc_text(population.as_of.replace(year=population.as_of.year - 1, day=1)),
        "endedAt": utc_text(population.as_of),
        "totalCommitContributions": number % _COMMITS_A_YEAR,
        "totalIssueContributions": number % 40,
        "totalPullRequestContributions": number % 90,
        "totalPullRequestReviewContributions": number // 7 % _REVIEWS_A_YEAR,
    }
