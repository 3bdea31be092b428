"""A token is in its request and nowhere else: whatever goes wrong, no text shows it."""

import logging
import pickle
import traceback
from collections.abc import Iterator

import pytest
import structlog
from scripted_github import SINCE, UNTIL, Say, in_turn, limits, repository, scripted_github, search

from client.adapters import github_source
from client.settings import Settings
from domain.errors import InputError, OutriderError
from providers.github.address import ApiAddress, check_access, parse_tokens
from providers.github.slicing import slices_of

TOKEN = "ghp_sentinel0123456789"
SLICE = slices_of(["language:python"], SINCE, UNTIL)[0]
ECHO = {"message": f"I got {TOKEN}", "errors": [{"message": f"I got {TOKEN}"}]}

FAILURES = {
    "primary": Say(ECHO, status=403, headers=limits(0, 7_200)),
    "primary in 200": Say({"errors": [{"type": "RATE_LIMITED", "message": TOKEN}]}, headers=limits(0, 7_200)),
    "secondary": Say(ECHO, status=429, headers={"retry-after": "99"}),
    "secondary by text": Say({"message": f"secondary rate limit {TOKEN}"}),
    "refused": Say(ECHO, status=401),
    "forbidden": Say(ECHO, status=403),
    "scopes": Say({"errors": [{"type": "INSUFFICIENT_SCOPES", "message": TOKEN}]}),
    "too big": Say(ECHO, status=504),
    "moved away": Say(ECHO, status=301, headers={"location": "https://example.com/"}),
    "moved to nowhere": Say(ECHO, status=301, headers={"location": "http://[nowhere"}),
    "gone": Say(ECHO, status=451),
    "bad query": Say(ECHO, status=422),
    "bad query in 200": Say({"errors": [{"message": TOKEN}]}),
    "broken": Say(ECHO, status=500),
    "malformed": Say(b'{"data": "' + TOKEN.encode()),
    "another shape": Say({"data": {"search": TOKEN}}),
    "hung up": Say(status=0),
}


@pytest.fixture
def every_line(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that anybody logs, down to the wire."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    with caplog.at_level(logging.DEBUG):
        yield caplog
    structlog.reset_defaults()


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_no_failure_shows_it(failure: Say, every_line: pytest.LogCaptureFixture) -> None:
    async with scripted_github(in_turn(failure)) as github:
        source = github.source(TOKEN, patience=0.1)
        with pytest.raises(OutriderError) as raised:
            await source.page(SLICE, "")
        assert github.tokens[0] == TOKEN
        error: BaseException | None = raised.value
        frames = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
        shown = [*frames.format(), repr(source), repr(vars(source._api)), every_line.text]
        while error is not None:
            shown += [repr(error), str(error), repr(vars(error)), repr(error.args)]
            error = error.__cause__ or error.__context__
        assert pickle.dumps(raised.value.args)
    assert raised.value.__context__ is None
    ours = [text for text in shown if TOKEN in text and "scripted_github" not in text]
    assert ours == [], "\n".join(ours)
    assert "github" in every_line.text


@pytest.mark.parametrize("before", [0, 175, 190, 199])
@pytest.mark.parametrize("said", [TOKEN, f"{TOKEN}-second"])
async def test_no_part_of_any_token_is_in_what_github_is_quoted_with(before: int, said: str) -> None:
    quoted = Say({"message": f"{'x' * before}{said} is what I got"}, status=422)
    async with scripted_github(in_turn(quoted)) as github:
        with pytest.raises(InputError) as refused:
            await github.source(TOKEN, f"{TOKEN}-second").page(SLICE, "")
    line = refused.value.line.removeprefix("GitHub does not understand the request: ")
    assert line == f"{'x' * before}... is what I got"[:200]


async def test_no_success_shows_it(every_line: pytest.LogCaptureFixture) -> None:
    async with scripted_github(in_turn(search([repository(1, [])]))) as github:
        source = github.source(TOKEN)
        page = await source.page(SLICE, "")
        for text in (every_line.text, repr(source), repr(vars(source._api)), page.model_dump_json()):
            assert TOKEN not in text


class TestSettings:
    def test_without_a_token_nothing_outside_is_asked(self) -> None:
        with pytest.raises(InputError) as refused:
            github_source(Settings())
        assert refused.value.line == "OUTRIDER_GITHUB_TOKEN is not set, so GitHub is not asked"

    @pytest.mark.parametrize("url", ["http://127.0.0.1:8027", "http://localhost:8027/", "http://[::1]:8027/api"])
    def test_a_local_github_needs_none(self, url: str) -> None:
        check_access(ApiAddress.parse(url, "OUTRIDER_GITHUB_API_URL"), [])
        github_source(Settings(github_api_url=url))

    @pytest.mark.parametrize(
        ("url", "endpoint"),
        [
            ("https://api.github.com", "https://api.github.com/graphql"),
            ("https://github.example.com/api/", "https://github.example.com/api/graphql"),
            ("https://github.example.com/api/graphql", "https://github.example.com/api/graphql"),
        ],
    )
    def test_the_endpoint_stands_below_the_address(self, url: str, endpoint: str) -> None:
        assert str(ApiAddress.parse(url, "X").graphql) == endpoint

    @pytest.mark.parametrize(
        "url",
        [
            "api.github.com",
            "ftp://example.com",
            "https://",
            "https://u:hidden@example.com",
            "http://[hidden",
            "http://127.0.0.1:99999",
            "",
        ],
    )
    def test_what_is_no_address_is_named_and_not_quoted(self, url: str) -> None:
        with pytest.raises(InputError) as refused:
            ApiAddress.parse(url, "OUTRIDER_GITHUB_API_URL")
        assert refused.value.line == "OUTRIDER_GITHUB_API_URL is no address of an API"

    def test_a_token_crosses_no_network_in_the_clear(self) -> None:
        with pytest.raises(InputError, match="must begin with https"):
            ApiAddress.parse("http://github.example.com/api", "OUTRIDER_GITHUB_API_URL")

    def test_several_tokens_each_once(self) -> None:
        tokens = parse_tokens(" a, b ,a,, c", "OUTRIDER_GITHUB_TOKEN")
        assert [token.get_secret_value() for token in tokens] == ["a", "b", "c"]

    @pytest.mark.parametrize("text", ["hidden hidden", "hidden\nhidden", "hiddén", "a,b\x00"])
    def test_what_is_no_token_is_not_quoted(self, text: str) -> None:
        with pytest.raises(InputError) as refused:
            parse_tokens(text, "OUTRIDER_GITHUB_TOKEN")
        assert refused.value.line == "OUTRIDER_GITHUB_TOKEN holds something that is no token"
        assert refused.value.__context__ is None
