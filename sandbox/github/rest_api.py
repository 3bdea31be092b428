"""The REST calls that a client without GraphQL needs for the same people."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.github import answers
from sandbox.github.answers import Answer
from sandbox.github.commits import Commit, oid
from sandbox.github.faults import Trouble
from sandbox.github.gate import Gate, token_of
from sandbox.github.limits import ANONYMOUS
from sandbox.github.nodes import BASE_URL, actor
from sandbox.github.people import Organization, Person, utc_text
from sandbox.github.repositories import Repository
from sandbox.github.resolvers import World
from sandbox.github.search_query import MAX_RESULTS, BadSearchError

_PER_PAGE = 30
_MAX_PER_PAGE = 100

Work = Callable[[Request], Answer]


class RestApi:
    """The routes that answer like api.github.com."""

    def __init__(self, world: World, gate: Gate) -> None:
        """Answer about this world, behind this gate."""
        self._world = world
        self._population = world.population
        self._gate = gate

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            Route("/search/repositories", self._guarded("search", self.search), methods=["GET"]),
            Route("/repos/{owner}/{name}", self._guarded("core", self.repository), methods=["GET"]),
            Route("/repos/{owner}/{name}/contributors", self._guarded("core", self.contributors), methods=["GET"]),
            Route("/repos/{owner}/{name}/commits", self._guarded("core", self.commits), methods=["GET"]),
            Route("/repositories/{id:int}", self._guarded("core", self.repository), methods=["GET"]),
            Route("/repositories/{id:int}/contributors", self._guarded("core", self.contributors), methods=["GET"]),
            Route("/repositories/{id:int}/commits", self._guarded("core", self.commits), methods=["GET"]),
            Route("/users/{login}", self._guarded("core", self.user), methods=["GET"]),
            Route("/rate_limit", self.rate_limit, methods=["GET"]),
        ]

    def _guarded(self, resource: str, work: Work) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that passes the gate, charges one request and then does the work."""

        async def endpoint(request: Request) -> Response:
            gate = self._gate
            gate.limits.in_flight += 1
            try:
                token = token_of(request) or ANONYMOUS
                path = request.url.path
                entry = gate.journal.ask("rest", path.split("/")[1], f"{path}?{request.url.query}")
                trouble = gate.faults.meet("rest", path)
                answer = gate.turned_away(token, "rest")
                await gate.suffer(trouble)
                budget = gate.limits.budget(token, resource)
                if answer is None and trouble.rule is not None and not trouble.is_a("malformed"):
                    answer = answers.of_rule(trouble.rule, (), budget)
                if answer is None and not gate.limits.take(token, resource, 1):
                    answer = answers.exhausted_rest(gate.limits.budget(token, resource))
                if answer is None:
                    gate.journal.charge("rest", entry, 1)
                    answer = work(request)
                    entry.answered += trouble.rule is None
                return await gate.response(request, answer, gate.limits.budget(token, resource), trouble)
            finally:
                gate.limits.in_flight -= 1

        return endpoint

    def search(self, request: Request) -> Answer:
        """Return one page of a search; beyond 1,000 results there is a 422."""
        query = request.query_params
        page, per_page = _page_of(request)
        if (page - 1) * per_page >= MAX_RESULTS:
            return answers.message(422, "Only the first 1000 search results are available")
        try:
            found = self._world.search(query.get("q", ""))
        except BadSearchError as error:
            return answers.message(422, f"Validation Failed: {error}")
        reachable = found[:MAX_RESULTS]
        items = [self._repository_body(repository) for repository in reachable[(page - 1) * per_page : page * per_page]]
        body = {"total_count": len(found), "incomplete_results": False, "items": items}
        return Answer(200, body, _links(request, request.url.path, page, -(-len(reachable) // per_page)))

    def repository(self, request: Request) -> Answer:
        """Return one repository; a former name is answered with 301 to the number."""
        found = self._found(request)
        return found if isinstance(found, Answer) else Answer(200, self._repository_body(found))

    def contributors(self, request: Request) -> Answer:
        """Return the accounts with commits, those with most first; 204 for an empty repository."""
        found = self._found(request)
        if isinstance(found, Answer):
            return found
        history = self._population.commits_of(found.index)
        if not history:
            return Answer(204, None)
        counted = Counter(account.login for commit in history if (account := self._account_of(commit)) is not None)
        bodies = []
        for login, contributions in counted.most_common():
            known = self._population.account(login)
            if known is not None:
                bodies.append({**_account_body(known), "contributions": contributions})
        return _paged(request, found, "contributors", bodies)

    def commits(self, request: Request) -> Answer:
        """Return commits of the default branch, newest first; 409 for an empty repository."""
        found = self._found(request)
        if isinstance(found, Answer):
            return found
        history = self._population.commits_of(found.index)
        if not history:
            return answers.message(409, "Git Repository is empty.")
        try:
            since = _seconds(request.query_params.get("since"), 0.0)
            until = _seconds(request.query_params.get("until"), float("inf"))
        except ValueError:
            return answers.message(422, "since and until: not an ISO 8601 date-time")
        inside = [(position, commit) for position, commit in enumerate(history) if since <= commit.committed <= until]
        page, per_page = _page_of(request)
        chosen = inside[(page - 1) * per_page : page * per_page]
        bodies = [self._commit_body(found, position, commit) for position, commit in chosen]
        links = _links(request, f"/repositories/{found.database_id}/commits", page, -(-len(inside) // per_page))
        return Answer(200, bodies, links)

    def user(self, request: Request) -> Answer:
        """Return one account; 404 when it vanished."""
        account = self._population.account(request.path_params["login"])
        if account is None:
            return answers.message(404, "Not Found")
        return Answer(200, _account_body(account) | _profile(account, utc_text(self._population.as_of)))

    async def rate_limit(self, request: Request) -> Response:
        """Return all budgets of the token; costs nothing."""
        budgets = self._gate.limits.everything(token_of(request) or ANONYMOUS)
        resources = {
            name: {"limit": one.limit, "used": one.used, "remaining": one.remaining, "reset": one.reset}
            for name, one in budgets.items()
        }
        answer = Answer(200, {"resources": resources, "rate": resources["core"]})
        return await self._gate.response(request, answer, budgets["core"], Trouble())

    def _found(self, request: Request) -> Repository | Answer:
        parameters = request.path_params
        if "id" in parameters:
            number = parameters["id"] - self._population.repositories[0].database_id
            known = 0 <= number < len(self._population.repositories)
            return self._population.repositories[number] if known else answers.message(404, "Not Found")
        found = self._population.repository(parameters["owner"], parameters["name"])
        if found is None:
            return answers.message(404, "Not Found")
        repository, renamed = found
        if not renamed:
            return repository
        tail = request.url.path.split("/")[4:]
        place = "/".join([f"/repositories/{repository.database_id}", *tail])
        url = f"{request.url.scheme}://{request.url.netloc}{place}"
        if request.url.query:
            url += f"?{request.url.query}"
        return Answer(301, {"message": "Moved Permanently", "url": url}, {"location": url})

    def _account_of(self, commit: Commit) -> Person | None:
        if commit.author_kind == "person":
            return self._population.people[commit.author]
        return self._population.bots[commit.author] if commit.author_kind == "bot" else None

    def _repository_body(self, repository: Repository) -> dict[str, Any]:
        return {
            "id": repository.database_id,
            "node_id": repository.id,
            "name": repository.name,
            "full_name": repository.name_with_owner,
            "private": False,
            "owner": _account_body(repository.owner),
            "html_url": f"{BASE_URL}/{repository.name_with_owner}",
            "description": repository.description,
            "fork": repository.fork,
            "archived": repository.archived,
            "disabled": False,
            "created_at": utc_text(repository.created_at),
            "updated_at": utc_text(repository.pushed_at),
            "pushed_at": utc_text(repository.pushed_at),
            "stargazers_count": repository.stars,
            "forks_count": repository.forks,
            "language": repository.language,
            "topics": list(repository.topics),
            "default_branch": "main",
        }

    def _commit_body(self, repository: Repository, position: int, commit: Commit) -> dict[str, Any]:
        name, email = actor(self._population, commit)
        account = self._account_of(commit)
        return {
            "sha": oid(self._population.seed, repository.index, position),
            "commit": {
                "message": f"Change {position}",
                "author": {"name": name, "email": email, "date": _utc(commit.authored)},
                "committer": {"name": name, "email": email, "date": _utc(commit.committed)},
            },
            "author": _account_body(account) if account else None,
        }


def _account_body(account: Person | Organization) -> dict[str, Any]:
    kind = "Organization"
    if isinstance(account, Person) and account.kind != "organization":
        kind = "Bot" if account.kind == "bot" else "User"
    return {
        "login": account.login,
        "id": account.database_id,
        "node_id": account.id,
        "html_url": f"{BASE_URL}/{account.login}",
        "type": kind,
    }


def _profile(account: Person | Organization, updated_at: str) -> dict[str, Any]:
    dates = {"created_at": utc_text(account.created_at), "updated_at": updated_at}
    if isinstance(account, Organization):
        return {"name": account.name, "company": None, "blog": "", "location": None, "email": None, "bio": None} | dates
    return {
        "name": account.name,
        "company": account.company,
        "blog": account.website or "",
        "location": account.location,
        "email": account.email or None,
        "hireable": account.hireable or None,
        "bio": account.bio,
        "twitter_username": account.twitter,
        "followers": account.followers,
        "following": account.following,
    } | dates


def _paged(request: Request, repository: Repository, tail: str, bodies: list[dict[str, Any]]) -> Answer:
    page, per_page = _page_of(request)
    links = _links(request, f"/repositories/{repository.database_id}/{tail}", page, -(-len(bodies) // per_page))
    return Answer(200, bodies[(page - 1) * per_page : page * per_page], links)


def _page_of(request: Request) -> tuple[int, int]:
    """Return page and page size; what is no number counts as not given, as at GitHub."""
    numbers = []
    for name, default in (("page", 1), ("per_page", _PER_PAGE)):
        text = request.query_params.get(name, "")
        numbers.append(max(1, int(text)) if text.isascii() and text.isdecimal() else default)
    return numbers[0], min(_MAX_PER_PAGE, numbers[1])


def _links(request: Request, path: str, page: int, last: int) -> dict[str, str]:
    """Return the Link header; the addresses of a repository's pages are by number, as GitHub's are."""

    def link(number: int, relation: str) -> str:
        query = urlencode({**request.query_params, "page": number})
        return f'<{request.url.scheme}://{request.url.netloc}{path}?{query}>; rel="{relation}"'

    links = [link(page - 1, "prev"), link(1, "first")] if page > 1 else []
    links += [link(page + 1, "next"), link(last, "last")] if page < last else []
    return {"link": ", ".join(links)} if links else {}


def _seconds(text: str | None, default: float) -> float:
    if text is None:
        return default
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _utc(seconds: int) -> str:
    return utc_text(datetime.fromtimestamp(seconds, UTC))
