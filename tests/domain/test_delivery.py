"""What the end of an SMTP transaction means for the message, the person and the mailbox."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.campaign import Deferral, InDoubtPolicy
from domain.delivery import Phase, Transmission, Verdict, judge
from domain.message import ClaimedMessage, MessageKey, MessageState

NOW = datetime(2027, 2, 1, 12, 0, tzinfo=UTC)
DEFERRAL = Deferral(first=timedelta(minutes=15), longest=timedelta(hours=4), give_up=timedelta(days=5))
BEFORE_CONTENT = (Phase.CONNECT, Phase.SENDER, Phase.RECIPIENT, Phase.DATA)


def message(*, attempts: int = 1, since: timedelta = timedelta(0), refused_before: str = "") -> ClaimedMessage:
    return ClaimedMessage(
        key=MessageKey("campaign-a", 1, 1),
        token="one",
        attempts=attempts,
        first_attempt_at=NOW - since,
        refused_before=refused_before,
        message_id="<1@example.com>",
        recipient="ada@example.com",
        subject="",
        text="",
        html="",
        opt_out_url="",
    )


def verdict(
    phase: Phase,
    code: int | None,
    enhanced: str = "",
    policy: InDoubtPolicy = InDoubtPolicy.HOLD,
    of: ClaimedMessage | None = None,
) -> Verdict:
    return judge(Transmission(phase=phase, code=code, enhanced=enhanced), of or message(), DEFERRAL, policy, NOW)


def short(given: Verdict) -> str:
    """`state reason`, with `+suppress` and `+stop` for what else follows."""
    more = f"{' +suppress' * given.suppress}{' +stop' * given.stop_mailbox}"
    return f"{given.state} {given.reason}".strip() + more


TABLE = [
    # phase, code, enhanced, what follows
    ("content", 250, "2.0.0", "sent"),
    ("content", 251, "", "sent"),
    ("content", None, "", "in_doubt connection_lost"),
    ("content", 354, "", "in_doubt connection_lost"),
    ("content", 421, "4.3.2", "deferred deferred_by_relay"),
    ("content", 451, "", "deferred deferred_by_relay"),
    ("content", 550, "", "failed refused_by_relay"),
    ("content", 552, "5.3.4", "failed refused_content"),
    ("content", 554, "5.6.0", "failed refused_content"),
    ("content", 550, "5.7.26", "scheduled refused_policy +stop"),
    ("recipient", 250, "2.1.5", "deferred deferred_by_relay"),
    ("recipient", 450, "4.2.0", "deferred deferred_by_relay"),
    ("recipient", 452, "4.2.2", "deferred deferred_by_relay"),
    ("recipient", 421, "4.3.2", "scheduled connection_lost"),
    ("recipient", 550, "", "failed hard_bounce +suppress"),
    ("recipient", 551, "", "failed hard_bounce +suppress"),
    ("recipient", 553, "", "failed hard_bounce +suppress"),
    ("recipient", 550, "5.0.0", "failed hard_bounce +suppress"),
    ("recipient", 550, "5.1.1", "failed hard_bounce +suppress"),
    ("recipient", 556, "5.1.10", "failed hard_bounce +suppress"),
    ("recipient", 550, "5.2.1", "failed hard_bounce +suppress"),
    ("recipient", 550, "5.5.0", "failed hard_bounce +suppress"),
    ("recipient", 552, "5.2.2", "failed mailbox_full"),
    ("recipient", 552, "5.2.3", "failed refused_content"),
    ("recipient", 552, "5.3.4", "failed refused_content"),
    ("recipient", 554, "5.3.2", "failed refused_by_relay"),
    ("recipient", 554, "", "failed refused_by_relay"),
    ("recipient", 552, "", "failed refused_by_relay"),
    ("recipient", 550, "5.4.1", "failed refused_by_relay"),
    ("recipient", 503, "", "scheduled refused_sender +stop"),
    ("recipient", 530, "", "scheduled refused_sender +stop"),
    ("recipient", 550, "5.7.1", "scheduled refused_policy +stop"),
    ("recipient", 553, "5.1.7", "scheduled refused_sender +stop"),
    ("recipient", 550, "5.1.8", "scheduled refused_sender +stop"),
    ("recipient", 504, "5.5.2", "scheduled refused_sender +stop"),
    ("data", 451, "4.3.0", "deferred deferred_by_relay"),
    ("data", 250, "", "deferred deferred_by_relay"),
    ("data", 421, "4.3.2", "scheduled connection_lost"),
    ("data", 503, "5.5.1", "scheduled refused_sender +stop"),
    ("data", 554, "5.0.0", "failed refused_by_relay"),
    ("data", 550, "5.1.1", "failed refused_by_relay"),
    ("data", 550, "5.7.1", "scheduled refused_policy +stop"),
    ("sender", 421, "4.7.0", "scheduled connection_lost"),
    ("sender", 450, "4.7.1", "deferred deferred_by_relay"),
    ("sender", 550, "5.1.1", "scheduled refused_sender +stop"),
    ("sender", 530, "5.7.0", "scheduled refused_sender +stop"),
    ("sender", 552, "5.3.4", "scheduled refused_sender +stop"),
    ("connect", 421, "", "scheduled connection_lost"),
    ("connect", 554, "", "scheduled refused_sender +stop"),
]


@pytest.mark.parametrize(("phase", "code", "enhanced", "follows"), TABLE)
@pytest.mark.parametrize("policy", InDoubtPolicy)
def test_phase_and_code_decide(
    phase: str, code: int | None, enhanced: str, follows: str, policy: InDoubtPolicy
) -> None:
    expected = follows
    if follows.startswith("in_doubt") and policy is InDoubtPolicy.RESEND:
        expected = "deferred resent_in_doubt"
    assert short(verdict(Phase(phase), code, enhanced, policy)) == expected


@pytest.mark.parametrize("phase", BEFORE_CONTENT)
@pytest.mark.parametrize("policy", InDoubtPolicy)
def test_what_is_lost_before_the_content_never_left_and_is_tried_again_in_seconds(
    phase: Phase, policy: InDoubtPolicy
) -> None:
    lost = verdict(phase, None, policy=policy)
    assert short(lost) == "scheduled connection_lost"
    assert lost.next_at == NOW + timedelta(seconds=1)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("code", [None, 220, 250, 354, 421, 450, 500, 550, 554, 599])
def test_only_an_answer_after_the_final_dot_can_be_a_success_or_a_doubt(phase: Phase, code: int | None) -> None:
    given = verdict(phase, code)
    if phase is not Phase.CONTENT:
        assert given.state not in (MessageState.SENT, MessageState.IN_DOUBT)
    again_by_itself = given.state is MessageState.DEFERRED or given.reason == "connection_lost"
    assert (given.next_at is not None) == (again_by_itself and given.state is not MessageState.IN_DOUBT)
    assert given.state not in (MessageState.CLAIMED, MessageState.TRANSMITTING, MessageState.SKIPPED)


def test_accepted_is_2xx_after_the_final_dot_and_nothing_less() -> None:
    assert Transmission(phase=Phase.CONTENT, code=250).accepted
    for phase in BEFORE_CONTENT:
        assert not Transmission(phase=phase, code=250).accepted
    for code in (None, 199, 300, 354, 451, 550):
        assert not Transmission(phase=Phase.CONTENT, code=code).accepted


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 15), (2, 30), (3, 60), (4, 120), (5, 240), (6, 240), (50, 240)])
def test_intervals_of_deferrals_double_up_to_the_longest(attempts: int, minutes: int) -> None:
    given = verdict(Phase.RECIPIENT, 451, of=message(attempts=attempts))
    assert given.next_at == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 1), (2, 2), (5, 16), (12, 2048), (14, 2048), (1000, 2048)])
def test_waits_for_a_lost_connection_double_and_stay_finite(attempts: int, seconds: int) -> None:
    given = verdict(Phase.SENDER, None, of=message(attempts=attempts))
    assert given.next_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("phase", "code", "reason"),
    [("recipient", 451, "gave_up:deferred_by_relay"), ("sender", None, "gave_up:connection_lost")],
)
def test_after_the_last_day_of_trying_it_gives_up(phase: str, code: int | None, reason: str) -> None:
    tired = message(attempts=40, since=timedelta(days=5, minutes=1))
    assert short(verdict(Phase(phase), code, of=tired)) == f"failed {reason}"
    hopeful = message(attempts=40, since=timedelta(days=4))
    assert verdict(Phase(phase), code, of=hopeful).next_at is not None


def test_a_doubt_that_may_not_be_sent_again_any_more_stays_a_doubt() -> None:
    tired = message(attempts=40, since=timedelta(days=6))
    given = verdict(Phase.CONTENT, None, policy=InDoubtPolicy.RESEND, of=tired)
    assert short(given) == "in_doubt connection_lost", "failed would say that nobody got it"


@pytest.mark.parametrize(
    ("phase", "enhanced", "reason"),
    [
        (Phase.RECIPIENT, "5.7.1", "refused_policy"),
        (Phase.CONTENT, "5.7.1", "refused_policy"),
        (Phase.RECIPIENT, "5.1.8", "refused_sender"),
    ],
)
def test_a_refusal_that_blames_the_sender_blames_the_message_when_it_comes_again_after_a_resume(
    phase: Phase, enhanced: str, reason: str
) -> None:
    again = message(attempts=2, refused_before=reason)
    assert short(verdict(phase, 550, enhanced, of=again)) == f"failed {reason}"


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("Relay access denied", "scheduled refused_sender +stop"),
        ("Authentication required", "scheduled refused_sender +stop"),
        ("blocked by our blacklist", "scheduled refused_sender +stop"),
        ("SPF check failed", "scheduled refused_sender +stop"),
        ("User unknown", "failed hard_bounce +suppress"),
        ("author@example.com: no such user", "failed hard_bounce +suppress"),
    ],
)
def test_a_refusal_without_a_status_that_speaks_of_us_suppresses_nobody(text: str, follows: str) -> None:
    said = Transmission(phase=Phase.RECIPIENT, code=550, text=text)
    assert short(judge(said, message(), DEFERRAL, InDoubtPolicy.HOLD, NOW)) == follows


@pytest.mark.parametrize("code", [600, 999])
def test_what_is_no_reply_code_is_no_reason_to_give_up_on_anybody(code: int) -> None:
    assert short(verdict(Phase.RECIPIENT, code)) == "deferred deferred_by_relay"
