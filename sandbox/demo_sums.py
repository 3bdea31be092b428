"""Who should have got a mail, by the local GitHub's own table, held against the ledger and the inbox."""

from collections import Counter
from collections.abc import Collection, Mapping
from math import ceil
from typing import Any

from sandbox.demo_stack import line, row

SEARCH_PAGE = COMMIT_PAGE = 100
"""The most that REST gives in one answer."""

HARD_BOUNCE = "failed:hard_bounce"


def addresses(truth: Mapping[str, Any]) -> list[str]:
    """Whom the table lets write to, each address once, in lower case, by their logins."""
    return list(dict.fromkeys(one["email"].casefold() for one in truth["people"] if _public(one)))


def expected_leads(
    truth: Mapping[str, Any], suppressed: Collection[str], refused: Collection[str], gone: int
) -> dict[str, int]:
    """How many people should end in which state.

    An account that became an organization has no profile any more. Where it owns one repository and committed to
    another, the order of the pages decides whether it is known for an organization in time: then `gone`, the number
    of accounts found to be gone, decides too.
    """
    users = [one for one in truth["people"] if one["kind"] == "user"]
    public = [one for one in users if _public(one)]
    writable = len(addresses(truth))
    nobodies = [one for one in truth["people"] if one["kind"] in ("vanished", "organization")]
    fewest = sum(not _owned_by(one) for one in nobodies)
    most = sum(_owned_by(one) < len(one["commits"]) for one in nobodies)
    leads = {
        "contacted": writable - len(suppressed) - len(refused),
        HARD_BOUNCE: len(refused),
        "skipped:no_public_address": len(users) - len(public),
        "skipped:account_gone": min(max(gone, fewest), most),
        "skipped:same_address": len(public) - writable,
        "skipped:suppressed": len(suppressed),
    }
    return {state: count for state, count in leads.items() if count}


def rest_calls(truth: Mapping[str, Any]) -> int:
    """The fewest REST calls for the same people: the search, each active repository's commits, each profile."""
    commits = Counter[str]()
    for one in truth["people"]:
        commits.update(one["commits"])
    active: list[str] = truth["active_repositories"]
    pages = sum(max(1, ceil(commits[repository] / COMMIT_PAGE)) for repository in active)
    profiles = sum(1 for one in truth["people"] if one["kind"] != "bot")
    return ceil(len(active) / SEARCH_PAGE) + pages + profiles


def sums_hold(
    shown: Mapping[str, Any],
    ledger: list[dict[str, Any]],
    inbox: list[tuple[str, str]],
    expected: Mapping[str, int],
    recipients: Collection[str],
) -> bool:
    """Print both sums; returns whether they hold, person by person and mail by mail."""
    leads = {state: count for state, count in shown["leads"].items() if count}
    sent = {(mail["message_id"], mail["recipient"]) for mail in ledger if mail["state"] == "sent"}
    twice = sum(count - 1 for count in Counter(message_id for message_id, _ in inbox).values())
    missing, unknown = len(sent - set(inbox)), len(set(inbox) - sent)
    got = Counter(recipient.casefold() for _, recipient in inbox)
    doubts = shown["messages"]["in_doubt"]
    as_expected = leads == dict(expected) and got == Counter(recipients)
    adds_up: bool = not (missing or unknown or twice) and len(sent) == shown["messages"]["sent"] == len(inbox)
    parts = " + ".join(f"{count:,} {_words(state)}" for state, count in sorted(leads.items(), key=_size))
    line(f"  {sum(leads.values()):,} leads = {parts}")
    known = f"{missing} missing · {twice} twice · {doubts} in doubt"
    line(f"  {len(sent):,} sent  = {len(inbox):,} mails in the inbox · {known}")
    line()
    if not (as_expected and adds_up):
        wanted = " + ".join(f"{count:,} {_words(state)}" for state, count in expected.items())
        row("checked", f"IT DOES NOT ADD UP: {sum(expected.values()):,} leads should be {wanted}")
        strangers, left_out = len(got - Counter(recipients)), len(Counter(recipients) - got)
        row("", f"{strangers:,} mails too many, {left_out:,} people without one, {unknown:,} unknown to the ledger")
        return False
    row(
        "checked",
        f"the local GitHub's own table, made without a search, has the same {sum(expected.values()):,} people;",
    )
    row("", f"the inbox, another process, has the same {len(inbox):,} mails by Message-ID and recipient")
    return True


def _public(one: Mapping[str, Any]) -> bool:
    return bool(one["kind"] == "user" and one["address"] == "public")


def _owned_by(one: Mapping[str, Any]) -> int:
    """How many of the repositories with commits of an organization are its own; 0 for who is none."""
    if one["kind"] != "organization":
        return 0
    return sum(repository.startswith(f"{one['login']}/") for repository in one["commits"])


def _words(state: str) -> str:
    named = {"contacted": "sent", HARD_BOUNCE: "refused"}
    return named.get(state, state.partition(":")[2].replace("_", " ") or state)


def _size(part: tuple[str, int]) -> tuple[bool, bool, int]:
    """Who was written to first, then who was refused, then the others, the most frequent first."""
    state, count = part
    return state != "contacted", not state.startswith("failed"), -count
