"""A plan on a page: what a campaign would do."""

from collections.abc import Iterator
from typing import Any

from client.cli.screen import columns, labelled, moment, plain, quote, say, words
from domain.goal import Disagreement

_SHOWN_ROWS = 20


def show_plan(document: dict[str, Any]) -> None:
    """Print the plan that the document describes."""
    if "campaign" not in document:
        _show_goal(document)
        _show_search(document)
        labelled("run", "would refuse it")
        return
    campaign = document["campaign"]
    rehearsal = "   rehearsal: nothing leaves" if campaign["dry_run"] else ""
    labelled("campaign", f"{campaign['name']}   owner {plain(campaign['owner'])}{rehearsal}")
    if campaign["goal"]:
        labelled("goal", plain(campaign["goal"]))
    labelled("spec", f"{campaign['spec']}   sha256 {campaign['spec_sha256'][:12]}")
    if "audience" in document:
        _show_search(document)
        _show_whoever(document["permission"]["whoever_is_found"])
    else:
        _show_leads(document["leads"])
        _show_permission(document)
    _show_sending(document["sending"], dry_run=campaign["dry_run"])
    for draft in document["drafts"]["preview"]:
        say()
        _show_draft(draft)
    if document["drafts"]["holes"]:
        say()
        for field in document["drafts"]["holes"]:
            way_out = f'a default fills it: {{{{ {field} or "…" }}}}'
            labelled("warning", f"{field} can be empty and leaves a hole; {way_out}")
    if "variables" in document:
        say()
        rows = [(plain(one["name"]), one["description"], plain(one["example"])) for one in document["variables"]]
        for line in columns([("variable", "what it is", "example"), *rows]):
            say(line)
    say()
    say("nothing was stored or sent; the suppression list and earlier contacts are looked at before each mail")


def _show_goal(document: dict[str, Any]) -> None:
    labelled("goal", plain(document["goal"]["text"]))


def _show_search(document: dict[str, Any]) -> None:
    """Whom the audience looks for, what will be asked, and what of the goal is not in it."""
    goal, audience = document["goal"], document["audience"]
    if audience:
        labelled("plan", " · ".join(_looks_for(audience)))
        queries = document["searches"] or audience["repositories"]
        label = "searched" if document["searches"] else "looked at"
        for query in queries[:_SHOWN_ROWS]:
            labelled("", f"{label}: {plain(query)}")
        if len(queries) > _SHOWN_ROWS:
            labelled("", f"and {len(queries) - _SHOWN_ROWS:,} more: --json lists them all")
    if goal["roles"]:
        labelled("", f"{' and '.join(goal['roles'])} are people with commits on the default branch in that time")
    if goal["guessed_places"]:
        labelled("", f"read as a place, for its capital: {' or '.join(map(plain, goal['guessed_places']))}")
    if goal["text"]:
        missed = ", ".join(map(plain, goal["not_understood"]))
        labelled("", f"not understood: {missed}" if missed else "nothing was left un-understood")
    for one in document["disagreements"]:
        labelled("", f"the spec wins: {plain(str(Disagreement(**one)))}")


def _looks_for(audience: dict[str, Any]) -> Iterator[str]:
    yield f"source {audience['source']}"
    for label, names in (("language", "languages"), ("topic", "topics"), ("location", "locations")):
        if audience.get(names):
            yield f"{label} {' or '.join(map(plain, audience[names]))}"
    if audience.get("stars"):
        yield f"stars {audience['stars']}"
    yield f"active within {audience['active_within_days']:,} days"
    score = audience["score"]
    if score["minimum"]:
        yield f"score {score['minimum']:g} or more"
    if score["top"]:
        yield f"the {score['top']:,} with the highest score"
    yield f"{audience['max_leads']:,} people who can be written to"


def _show_whoever(reason: str | None) -> None:
    labelled("may we", f"nobody may be written to: {words(reason)}" if reason else "whoever is found may be written to")


def _show_leads(leads: dict[str, Any]) -> None:
    rejected = leads["rejected"]
    labelled(
        "people",
        f"{leads['rows']:,} rows in {leads['file']} = {leads['accepted']:,} accepted + {len(rejected):,} rejected",
    )
    for row in rejected[:_SHOWN_ROWS]:
        labelled("", plain(f"line {row['line']}: {row['column']}: {row['detail']}".replace(": : ", ": ")))
    if len(rejected) > _SHOWN_ROWS:
        labelled("", f"and {len(rejected) - _SHOWN_ROWS:,} more: --json lists them all")


def _show_permission(document: dict[str, Any]) -> None:
    permission, drafts = document["permission"], document["drafts"]
    labelled("may we", f"{permission['may_be_written_to']:,} may be written to")
    for reason, count in permission["refused"].items():
        labelled("", f"{count:,} not: {words(reason)}")
    labelled("drafts", f"{drafts['written']:,} written")
    for reason, count in drafts["none"].items():
        labelled("", f"{count:,} without: {words(reason)}")


def _show_sending(sending: dict[str, Any], *, dry_run: bool) -> None:
    labelled("sending", f"{sending['from']} by mailbox {sending['mailbox']}, {_connections(sending['connections'])}")
    if sending["relay"]:
        labelled("", f"through {sending['relay']}, from {sending['relay_from']}")
    if sending["problem"]:
        labelled("", f"run would refuse: {plain(sending['problem'])}")
    elif sending["opt_out"]:
        labelled("", f"opt-out page {sending['opt_out']}")
    if sending["too_late"]:
        labelled("window", f"over: not_after was {sending['not_after']}, everything would be skipped")
        return
    when = "open now" if sending["open_now"] else f"opens {moment(sending['opens_at'])}"
    until = f", closes {moment(sending['closes_at'])}" if sending["closes_at"] else ", never closes"
    last = f", last day {sending['not_after']}" if sending["not_after"] else ""
    labelled("window", f"{when}{until}{last}{'; a rehearsal does not wait for it' if dry_run else ''}")


def _connections(count: int) -> str:
    return "one connection" if count == 1 else f"up to {count} connections"


def _show_draft(draft: dict[str, Any]) -> None:
    labelled("draft", f"for {plain(draft['for'])}")
    if "problem" in draft:
        labelled("", f"none: {words(draft['problem'])}")
        return
    labelled("subject", plain(draft["subject"]))
    labelled("", "")
    quote(draft["text"].rstrip())
