"""GitHub's search syntax for repositories, as far as the local GitHub knows it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from sandbox.github.population import Population
from sandbox.github.repositories import Repository

MAX_LENGTH = 256
MAX_RESULTS = 1_000

Test = Callable[[Repository], bool]
_Moments = tuple[datetime, datetime]

_TOKEN = re.compile(r'(-?)(?:(\w+):)?("[^"]*"|\S+)')
_RANGE = re.compile(r"(>=|<=|>|<)?(.*)")
_NUMBER = re.compile(r"\d+")
_ANY_TIME = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_KNOWN = frozenset(
    {
        "language",
        "topic",
        "stars",
        "forks",
        "archived",
        "fork",
        "pushed",
        "created",
        "user",
        "org",
        "repo",
        "is",
        "in",
        "sort",
    }
)
_ORDERS: dict[str, Callable[[Repository], float]] = {
    "stars": lambda repository: repository.stars,
    "forks": lambda repository: repository.forks,
    "updated": lambda repository: repository.pushed_at.timestamp(),
}


class BadSearchError(ValueError):
    """GitHub would not run this search; the message says why."""


def find(population: Population, query: str) -> list[Repository]:
    """Return all that match, in a stable order: by `sort:`, else most stars first. Raises BadSearchError."""
    tests, languages, created, sort = _parsed(query)
    found = [
        repository
        for repository in population.created_between(*created)
        if (not languages or (repository.language or "").lower() in languages)
        and all(test(repository) for test in tests)
    ]
    name, _, direction = (sort or "stars").partition("-")
    sign = 1 if direction == "asc" else -1
    order = _ORDERS.get(name, _ORDERS["stars"])
    return sorted(found, key=lambda repository: (sign * order(repository), repository.index))


def _parsed(query: str) -> tuple[list[Test], set[str], _Moments, str]:
    """Take a query apart: the tests that all must pass, the languages of which one must, `created:`, the sort."""
    if len(query) > MAX_LENGTH:
        raise BadSearchError("The search is longer than 256 characters.")
    tests: list[Test] = []
    languages: set[str] = set()
    created = _ANY_TIME
    given: dict[str, str] = {"fork": "false"}
    for minus, qualifier, quoted in _TOKEN.findall(query):
        name, value = qualifier.lower(), quoted.strip('"').lower()
        if name == "language" and not minus:
            languages.update({value, value.replace("-", " ")})
        elif name in {"fork", "sort"}:
            given[name] = value
        elif name == "created" and not minus:
            first, last = _moments(name, value)
            created = max(first, created[0]), min(last, created[1])
        elif name and name not in _KNOWN:
            tests.append(partial(_contains, f"{name}:{value}"))
        elif name or value not in {"and", ""}:
            test = _test(name, value)
            tests.append(partial(_not, test) if minus else test)
    tests.append(_fork_test(given["fork"]))
    return tests, languages, created, given.get("sort", "")


def _test(name: str, value: str) -> Test:  # noqa: PLR0911 - one answer for each qualifier
    if name == "language":
        return lambda repository: (repository.language or "").lower() in {value, value.replace("-", " ")}
    if name == "topic":
        return lambda repository: value in repository.topics
    if name == "archived":
        return lambda repository: repository.archived == (value == "true")
    if name in {"user", "org"}:
        return lambda repository: repository.owner.login.lower() == value
    if name == "repo":
        return lambda repository: repository.name_with_owner.lower() == value
    if name in {"is", "in"}:
        return lambda repository: value != "private" or repository.vanished
    if name in {"stars", "forks"}:
        low, high = _numbers(name, value)
        return lambda repository: low <= (repository.stars if name == "stars" else repository.forks) <= high
    if name in {"pushed", "created"}:
        first, last = _moments(name, value)
        return lambda repository: first <= (repository.pushed_at if name == "pushed" else repository.created_at) <= last
    return partial(_contains, value)


def _fork_test(value: str) -> Test:
    """Forks are not searched unless asked for, as at GitHub."""
    if value == "true":
        return lambda _repository: True
    return lambda repository: repository.fork == (value == "only")


def _contains(word: str, repository: Repository) -> bool:
    return word in f"{repository.name} {repository.description or ''} {' '.join(repository.topics)}".lower()


def _not(test: Test, repository: Repository) -> bool:
    return not test(repository)


def _bounds(value: str) -> tuple[str, str, str, str]:
    """Return what a range begins with and how, and what it ends with and how; `*` and empty are open ends."""
    if ".." in value:
        low, _, high = value.partition("..")
        return ">=", low, "<=", high
    match = _RANGE.fullmatch(value)
    sign, bound = match.groups() if match else (None, value)
    if sign is None:
        return ">=", bound, "<=", bound
    return (sign, bound, "", "*") if sign.startswith(">") else ("", "*", sign, bound)


def _numbers(name: str, value: str) -> tuple[float, float]:
    above, low, below, high = _bounds(value)
    for bound in (low, high):
        if bound not in {"*", ""} and not _NUMBER.fullmatch(bound):
            raise BadSearchError(f"{name}:{value} is not a number or a range of numbers")
    first = float("-inf") if low in {"*", ""} else int(low) + (above == ">")
    last = float("inf") if high in {"*", ""} else int(high) - (below == "<")
    return first, last


def _moments(name: str, value: str) -> _Moments:
    above, low, below, high = _bounds(value)
    try:
        first = _ANY_TIME[0] if low in {"*", ""} else _moment(low, end=above == ">")
        last = _ANY_TIME[1] if high in {"*", ""} else _moment(high, end=below == "<=")
        second = timedelta(seconds=1)
        return (first + second if above == ">" else first), (last - second if below == "<" else last)
    except (ValueError, OverflowError):
        raise BadSearchError(f"{name}:{value} is not a date, a date-time, or a range of them") from None


def _moment(text: str, *, end: bool) -> datetime:
    """Read ISO 8601; a date alone is its first second, or its last one at the `end` of what counts."""
    moment = datetime.fromisoformat(text.upper())
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment + timedelta(days=1, seconds=-1) if end and _DAY.fullmatch(text) else moment
