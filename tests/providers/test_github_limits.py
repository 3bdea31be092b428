"""Whatever GitHub answers, the right thing is asked next, waited for, or said: one test per kind of answer."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from scripted_github import (
    SINCE,
    UNTIL,
    Say,
    ScriptedGitHub,
    cost,
    in_turn,
    limits,
    repository,
    scripted_github,
    search,
)
from structlog.testing import capture_logs

from domain.errors import InputError, SourceWait
from domain.source_ports import Source
from providers.github.slicing import slices_of

SLICE = slices_of(["language:python"], SINCE, UNTIL)[0]
HALF = slices_of(["language:python"], SINCE, UNTIL, share=50)[0]
USED_UP = {"message": "API rate limit exceeded for user ID 1."}
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
FINE = search([repository(1, [])])


def fine(remaining: int, resets_in: float = 1800.0) -> Say:
    """An answer after which so many points are left."""
    return search([repository(1, [])], price=None, headers=limits(remaining, resets_in))


async def wait_of(source: Source, slice_: str = SLICE) -> SourceWait:
    with pytest.raises(SourceWait) as raised:
        await source.page(slice_, "")
    return raised.value


def seconds_until(wait: SourceWait) -> float:
    return (wait.until - datetime.now(UTC)).total_seconds()


async def test_four_requests_at_once_whoever_asks() -> None:
    async with scripted_github(in_turn(Say(FINE.body, after=0.05))) as github:
        source = github.source("t")
        pages = await asyncio.gather(*(source.page(SLICE, "") for _ in range(14)))
    assert len(pages) == len(github.asked) == 14
    assert github.most_at_once == 4


class TestPoints:
    async def test_the_token_with_most_left_is_asked_with(self) -> None:
        left = {"a": 4800, "b": 4600}

        async with scripted_github(lambda asked: fine(left[asked.headers["authorization"].split()[1]])) as github:
            source = github.source("a", "b")
            for _ in range(2):
                await source.page(SLICE, "")
            left["a"] = 4500
            for _ in range(2):
                await source.page(SLICE, "")
        assert github.tokens == ["a", "b", "a", "b"]

    @pytest.mark.parametrize(("slice_", "floor"), [(SLICE, 1000), (HALF, 2500)])
    async def test_a_share_of_the_hour_is_left_to_others(self, slice_: str, floor: int) -> None:
        async with scripted_github(in_turn(fine(floor + 1), fine(floor))) as github:
            source = github.source("t")
            await source.page(slice_, "")
            await source.page(slice_, "")
            wait = await wait_of(source, slice_)
        assert len(github.asked) == 2
        assert wait.reason == "source_limited"
        assert 1790 < seconds_until(wait) < 1810

    async def test_what_a_query_says_of_its_price_counts_too(self) -> None:
        async with scripted_github(in_turn(search([repository(1, [])], price=cost(3, 999)))) as github:
            source = github.source("t")
            assert (await source.page(SLICE, "")).points == 3
            await wait_of(source)
        assert len(github.asked) == 1

    async def test_answers_that_overtake_each_other_do_not_give_points_back(self) -> None:
        async with scripted_github(in_turn(fine(1000, 1800), fine(1005, 1800))) as github:
            source = github.source("t")
            await asyncio.gather(source.page(SLICE, ""), source.page(SLICE, ""))
            await wait_of(source)

    async def test_a_new_hour_has_all_its_points(self) -> None:
        async with scripted_github(in_turn(fine(1000, 1), fine(4999, 3600))) as github:
            source = github.source("t")
            for _ in range(3):
                await source.page(SLICE, "")  # the second waits for the reset, less than ten seconds away
        assert len(github.asked) == 3


class TestPrimary:
    @pytest.mark.parametrize(
        ("status", "body"), [(403, USED_UP), (429, USED_UP), (200, {"errors": [{"type": "RATE_LIMITED", **USED_UP}]})]
    )
    async def test_the_token_rests_until_its_reset_and_the_others_go_on(
        self, status: int, body: dict[str, object]
    ) -> None:
        answer = Say(body, status=status, headers=limits(0))
        async with scripted_github(lambda asked: answer if asked.headers["authorization"] == "Bearer a" else FINE) as (
            github
        ):
            source = github.source("a", "b")
            for _ in range(3):
                await source.page(SLICE, "")
            alone = github.source("a")
            wait = await wait_of(alone)
            await wait_of(alone)
        assert github.tokens == ["a", "b", "b", "b", "a"]
        assert (wait.reason, wait.hint) == ("source_limited", "")
        assert 1790 < seconds_until(wait) < 1810

    async def test_a_clock_that_is_wrong_does_not_make_it_a_day(self) -> None:
        async with scripted_github(in_turn(Say(USED_UP, status=403, headers=limits(0, 86_400)))) as github:
            assert seconds_until(await wait_of(github.source("t"))) < 4000

    @pytest.mark.parametrize("resets_in", [-600, -86_400])
    async def test_a_clock_that_is_ahead_does_not_make_it_nothing(self, resets_in: int) -> None:
        async with scripted_github(in_turn(Say(USED_UP, status=403, headers=limits(0, resets_in)))) as github:
            wait = await wait_of(github.source("t"))
        assert (len(github.asked), wait.reason) == (1, "source_limited")
        assert 50 < seconds_until(wait) < 70

    async def test_with_a_clock_that_is_ahead_the_share_of_the_others_stays_theirs(self) -> None:
        async with scripted_github(in_turn(fine(1000, -600))) as github:
            source = github.source("t")
            await source.page(SLICE, "")
            await wait_of(source)
        assert len(github.asked) == 1


class TestSilence:
    """Nothing comes at all: not even GitHub's own word that it took too long."""

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("providers.github.transport.ANSWER_SECONDS", 0.3)

    async def test_a_smaller_page_is_tried_once_and_then_it_is_said(self) -> None:
        async with scripted_github(in_turn(Say(FINE.body, after=2.0))) as github:
            wait = await wait_of(github.source("t"))
        assert [asked.variables["first"] for asked in github.asked] == [25, 12]
        assert (wait.reason, wait.line) == ("source_unreachable", "GitHub does not answer (no answer in time)")

    async def test_those_who_ask_at_the_same_time_are_one_silence(self) -> None:
        async with scripted_github(lambda _: Say(FINE.body, after=2.0 if len(github.asked) < 5 else 0)) as github:
            source = github.source("t")
            await asyncio.gather(*(source.page(SLICE, "") for _ in range(4)))
        assert len(github.asked) == 8


class TestSecondary:
    @pytest.mark.parametrize("status", [403, 429])
    async def test_what_is_short_is_waited_for(self, status: int) -> None:
        asked_to_wait = Say(SECONDARY, status=status, headers={"retry-after": "1"})
        async with scripted_github(in_turn(asked_to_wait, FINE)) as github:
            began = time.monotonic()
            await github.source("t").page(SLICE, "")
        assert 1 < time.monotonic() - began < 4
        assert len(github.asked) == 2

    async def test_what_is_long_is_said_and_nobody_asks_meanwhile_with_any_token(self) -> None:
        async with scripted_github(in_turn(Say(SECONDARY, status=403, headers={"retry-after": "90"}))) as github:
            source = github.source("a", "b")
            first, second = await wait_of(source), await wait_of(source)
        assert len(github.asked) == 1
        assert first.until == second.until
        assert first.reason == "source_limited"
        assert 88 < seconds_until(first) < 92

    @pytest.mark.parametrize("answer", [Say(SECONDARY, status=403, headers={"retry-after": "90"}), Say(status=500)])
    async def test_whoever_queues_when_a_wait_begins_asks_nothing(self, answer: Say) -> None:
        async with scripted_github(in_turn(Say(answer.body, answer.status, answer.headers, after=0.05))) as github:
            source = github.source("t", patience=0.1)
            await asyncio.gather(*(wait_of(source) for _ in range(20)))
            assert len(github.asked) == 4

    @pytest.mark.parametrize("said", ["999999999", "Fri, 01 Jan 2058 00:00:00 GMT"])
    async def test_no_wait_is_longer_than_a_limit_can_last(self, said: str) -> None:
        async with scripted_github(in_turn(Say(SECONDARY, status=403, headers={"retry-after": said}))) as github:
            assert 3600 < seconds_until(await wait_of(github.source("t"))) < 4000

    async def test_retry_after_as_a_date(self) -> None:
        at = (datetime.now(UTC) + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        async with scripted_github(in_turn(Say(SECONDARY, status=403, headers={"retry-after": at}))) as github:
            assert 85 < seconds_until(await wait_of(github.source("t"))) < 92

    @pytest.mark.parametrize("after", ["999999999", "Fri, 31 Dec 9999 23:59:59 -1400"])
    async def test_nobody_waits_for_years(self, after: str) -> None:
        async with scripted_github(in_turn(Say(SECONDARY, status=429, headers={"retry-after": after}))) as github:
            assert 3600 < seconds_until(await wait_of(github.source("t"))) < 4000

    async def test_a_date_that_is_over_is_no_leave_to_ask_at_once(self) -> None:
        over = {"retry-after": "Mon, 01 Jan 1990 00:00:00 GMT"}
        async with scripted_github(in_turn(Say(SECONDARY, status=429, headers=over))) as github:
            wait = await asyncio.wait_for(wait_of(github.source("t")), 5)
        assert len(github.asked) == 1
        assert 55 < seconds_until(wait) < 65

    async def test_text_alone_means_a_minute_that_doubles_until_somebody_has_to_look(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scripted_github(in_turn(Say(SECONDARY))) as github:
            source = github.source("t")
            waits = []
            for _ in range(6):
                waits.append(wait := await wait_of(source))
                later = wait.until + timedelta(seconds=1)
                monkeypatch.setattr("providers.github.api.utc_now", lambda later=later: later)
        lengths = [(after.until - before.until).total_seconds() for before, after in pairwise(waits)]
        assert [round(length - 1) for length in lengths] == [120, 240, 480, 960, 3600]
        assert [wait.reason for wait in waits] == ["source_limited"] * 5 + ["source_refused"]
        assert "uses the same account" in waits[-1].hint


class TestTokens:
    @pytest.mark.parametrize(
        "refusal",
        [
            Say({"message": "Bad credentials"}, status=401),
            Say(
                {"message": "Resource protected by organization SAML enforcement."},
                status=403,
                headers=limits(4000, 86_400),
            ),
            Say({"errors": [{"type": "INSUFFICIENT_SCOPES", "message": "not granted"}]}),
        ],
    )
    async def test_one_that_is_refused_is_out_and_the_others_go_on(self, refusal: Say) -> None:
        async with scripted_github(lambda asked: refusal if asked.headers["authorization"] == "Bearer a" else FINE) as (
            github
        ):
            source = github.source("a", "b")
            for _ in range(3):
                await source.page(SLICE, "")
            alone = github.source("a")
            wait = await wait_of(alone)
            assert (await wait_of(alone)).until == wait.until
        assert github.tokens == ["a", "b", "b", "b", "a"]
        assert wait.reason == "source_refused"
        assert "user:email" in wait.hint
        assert 890 < seconds_until(wait) < 910

    async def test_one_refused_and_one_used_up_wait_for_the_second(self) -> None:
        def script_answer(token: str) -> Say:
            return Say(USED_UP, status=403, headers=limits(0)) if token == "b" else Say({}, status=401)

        async with scripted_github(lambda asked: script_answer(asked.headers["authorization"].split()[1])) as github:
            wait = await wait_of(github.source("a", "b"))
        assert wait.reason == "source_limited"
        assert seconds_until(wait) > 1700


class TestOutages:
    @pytest.mark.parametrize(
        "answer",
        [
            Say({"message": "Server Error"}, status=500),
            Say(b"<html>Unicorn!</html>", status=503),
            Say(status=0),
            Say(b'{"data": {"search": '),
            Say({"data": {"search": {"repositoryCount": "many"}}}),
            Say({"data": None}),
            Say(b"<html>hello</html>"),
        ],
    )
    async def test_short_ones_are_not_noticed_and_long_ones_are_said(self, answer: Say) -> None:
        async with scripted_github(in_turn(answer, FINE)) as github:
            assert len((await github.source("t").page(SLICE, "")).repositories) == 1
            assert len(github.asked) == 2
            github.script = in_turn(answer)
            wait = await wait_of(github.source("t", patience=0.1))
        assert wait.reason == "source_unreachable"
        assert 28 < seconds_until(wait) < 31
        assert "does not answer" in wait.line

    async def test_they_wait_longer_each_time_and_all_that_ask_wait_together(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scripted_github(in_turn(Say(status=500))) as github:
            source = github.source("t", patience=0.1)
            waits = []
            for _ in range(6):
                together = await asyncio.gather(*(wait_of(source) for _ in range(4)))
                waits.append(wait := together[0])
                assert {one.until for one in together} == {wait.until}
                later = wait.until + timedelta(seconds=1)
                monkeypatch.setattr("providers.github.api.utc_now", lambda later=later: later)
            github.script = in_turn(FINE)
            await source.page(SLICE, "")
            github.script = in_turn(Say(status=500))
            waits.append(await wait_of(source))
        lengths = [(after.until - before.until).total_seconds() for before, after in pairwise(waits)]
        assert [round(length - 1) for length in lengths] == [60, 120, 240, 300, 300, 30]

    async def test_nobody_listens(self) -> None:
        async with scripted_github(in_turn(FINE)) as github:
            source = ScriptedGitHub(in_turn(FINE))
            source.port = 1
            wait = await wait_of(source.source("t", patience=0.1))
            await source.close()
        assert wait.reason == "source_unreachable"
        assert github.asked == []

    async def test_waiting_and_going_on_are_logged_in_pairs(self) -> None:
        async with scripted_github(in_turn(Say(SECONDARY, status=403, headers={"retry-after": "0"}), FINE)) as github:
            with capture_logs() as lines:
                source = github.source("t")
                await source.page(SLICE, "")
                await source.page(SLICE, "")
        assert [line["event"] for line in lines if line["log_level"] != "debug"] == ["github.waiting", "github.resumed"]


class TestMoved:
    @pytest.mark.parametrize(("status", "again"), [(301, "/two"), (308, "/two"), (302, "/graphql"), (307, "/graphql")])
    async def test_it_is_followed_with_the_question_and_remembered_when_it_is_for_good(
        self, status: int, again: str
    ) -> None:
        async with scripted_github(
            lambda asked: FINE if asked.path == "/two" else Say(status=status, headers={"location": "/two"})
        ) as github:
            source = github.source("t")
            await source.page(SLICE, "")
            await source.page(SLICE, "")
        assert [asked.path for asked in github.asked][:3] == ["/graphql", "/two", again]
        assert {asked.query for asked in github.asked} == {"Discover"}

    @pytest.mark.parametrize("location", ["http://127.0.0.1:1/graphql", "https://example.com/graphql", "//localhost/"])
    async def test_another_host_never_gets_the_token(self, location: str) -> None:
        async with (
            scripted_github(in_turn(FINE)) as other,
            scripted_github(in_turn(Say(status=301, headers={"location": location}))) as github,
        ):
            wait = await wait_of(github.source("t"))
            github.script = in_turn(Say(status=301, headers={"location": f"{other.url}/graphql"}))
            await wait_of(github.source("t"))
            assert other.asked == []
        assert wait.reason == "source_refused"
        assert "OUTRIDER_GITHUB_API_URL" in wait.hint

    async def test_a_circle_ends(self) -> None:
        async with scripted_github(in_turn(Say(status=307, headers={"location": "/graphql"}))) as github:
            assert (await wait_of(github.source("t"))).reason == "source_refused"
            assert len(github.asked) == 4


class TestInvalid:
    @pytest.mark.parametrize(
        "answer",
        [
            Say({"message": "Problems parsing JSON"}, status=400),
            Say({"message": "Validation Failed"}, status=422),
            Say({"message": "Not Found"}, status=404),
            Say({"errors": [{"message": "Field 'nope' doesn't exist on type 'Query'"}]}),
        ],
    )
    async def test_what_github_cannot_understand_is_final(self, answer: Say) -> None:
        async with scripted_github(in_turn(answer)) as github:
            with pytest.raises(InputError, match=r"^GitHub does not understand the request: "):
                await github.source("t").page(SLICE, "")
            assert len(github.asked) == 1
