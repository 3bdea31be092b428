"""What `doctor` says of GitHub: which address, how many tokens, how many points, and never a token."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr
from scripted_github import Asked, Say, scripted_github
from seen_spans import said, seen_spans

from client import up_lock
from client.cli.check import Check, Verdict
from client.cli.github_checks import github_checks
from client.settings import STILL_STARTING, Settings
from telemetry.names import Tool

GOOD, BAD = "a-good-token", "a-refused-token"
WAITING = ["campaign-a"]


def answer(asked: Asked) -> Say:
    """As GitHub answers a token that it knows, and one that it does not."""
    graphql = {"limit": 5000, "remaining": 4000}
    known = asked.headers["authorization"].endswith(GOOD)
    return Say({"resources": {"graphql": graphql}}) if known else Say({}, status=401)


@pytest.fixture
def settings_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Settings]:
    """Settings with an API's address and tokens, and nothing else."""
    monkeypatch.chdir(tmp_path)

    def made(url: str, tokens: str) -> Settings:
        return Settings(home=tmp_path, github_api_url=url, github_token=SecretStr(tokens))

    return made


async def found(settings: Settings, searching: Sequence[str] = ()) -> list[Check]:
    checks = [check async for check in github_checks(settings, searching)]
    assert not any(token in f"{check!r}" for check in checks for token in (GOOD, BAD))
    return checks


async def test_points_of_all_tokens_are_added_and_a_refused_one_is_a_warning(
    settings_of: Callable[[str, str], Settings],
) -> None:
    async with scripted_github(answer) as github:
        fine, refused = await found(settings_of(github.url, f"{GOOD},{BAD}"), WAITING)
    assert (fine.verdict, fine.detail) == (Verdict.OK, f"{github.url}, 1 token, 4,000 of 5,000 points left this hour")
    assert (refused.verdict, refused.detail) == (Verdict.WARNING, f"{github.url} does not take token 2 of 2")
    assert refused.way_out == "OUTRIDER_GITHUB_TOKEN"


async def test_many_refused_tokens_are_one_line(settings_of: Callable[[str, str], Settings]) -> None:
    async with scripted_github(answer) as github:
        (refused,) = await found(settings_of(github.url, ",".join(f"{BAD}{number}" for number in range(12))))
    assert refused.detail == f"{github.url} does not take tokens 1, 2, 3 and 9 more of 12"


@pytest.mark.parametrize(("searching", "verdict"), [((), Verdict.WARNING), (WAITING, Verdict.FAILED)])
async def test_it_is_a_failure_only_for_campaigns_that_search(
    settings_of: Callable[[str, str], Settings], searching: Sequence[str], verdict: Verdict
) -> None:
    async with scripted_github(answer) as github:
        (refused,) = await found(settings_of(github.url, BAD), searching)
    (away,) = await found(settings_of(github.url, GOOD), searching)
    assert (refused.verdict, away.verdict) == (verdict, verdict)
    assert away.detail.startswith(f"GitHub's API does not answer at {github.url} (ConnectError)")
    assert ("campaign-a needs it" in away.detail) == bool(searching)


@pytest.mark.parametrize(("searching", "verdict"), [((), Verdict.WARNING), (WAITING, Verdict.FAILED)])
async def test_a_setting_that_cannot_be_used_is_not_fine(
    settings_of: Callable[[str, str], Settings], searching: Sequence[str], verdict: Verdict
) -> None:
    (wrong,) = await found(settings_of("https://github.example.com/api", "two words"), searching)
    assert (wrong.verdict, wrong.way_out) == (verdict, "several tokens are separated by commas")


async def test_while_up_starts_there_is_nothing_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with up_lock.hold(tmp_path):
        (missing,) = await found(Settings(home=tmp_path), WAITING)
    assert missing.way_out == STILL_STARTING
    (missing,) = await found(Settings(home=tmp_path), WAITING)
    assert missing.way_out != STILL_STARTING


async def test_each_request_is_a_span_that_shows_no_token(settings_of: Callable[[str, str], Settings]) -> None:
    with seen_spans() as spans:
        async with scripted_github(answer) as github:
            settings = settings_of(github.url, f"{GOOD},{BAD}")
            await found(settings)
        await found(settings)  # now nobody is there
        fine, refused, away = map(said, spans.named(Tool.GITHUB_RATE_LIMIT))
        assert not any(token in spans.texts() for token in (GOOD, BAD))
    assert fine == {
        "tool.provider": "github",
        "tool.operation": "rate_limit",
        "outcome": "ok",
        "github.token_number": 1,
        "http.response.status_code": 200,
        "github.points_left": 4000,
    }
    assert (refused["outcome"], refused["github.token_number"]) == ("refused", 2)
    assert refused["http.response.status_code"] == 401
    assert (away["outcome"], away["error.type"]) == ("failed", "Unreachable")
