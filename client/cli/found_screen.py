"""Why somebody who was searched for is a lead: their work, their score, and where their profile was read."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from client.cli.screen import labelled, moment, plain, words
from domain.lead_evidence import LeadEvidence

_TOPICS = 3


def found_document(lead: dict[str, Any], known: LeadEvidence, wanted_topics: Sequence[str]) -> dict[str, Any]:
    """What is stored, as JSON has it; what is None is not stored."""
    return {
        "work": _work(known, wanted_topics),
        "score": known.score,
        "score_parts": known.reasons,
        "clock": known.clock._asdict(),
        "profile_read_at": _iso(known.profile_read_at),
        "judged_at": _iso(known.judged_at),
        "address_from": "the public profile" if lead["email"] else None,
        "reachable": known.reachable,
    }


def _work(known: LeadEvidence, wanted_topics: Sequence[str]) -> dict[str, Any] | None:
    if known.work is None:
        return None
    contribution, repository = known.work
    wanted = {topic.casefold() for topic in wanted_topics}
    matching = [topic for topic in repository.topics if topic.casefold() in wanted]
    return {
        "repository": repository.full_name or repository.identity,
        "url": repository.url,
        "commits": contribution.commits,
        "share_percent": round(100 * repository.share_of(contribution.commits)),
        "partly_read": repository.partly_read,
        "last_commit_at": contribution.last_commit_at.isoformat(),
        "stars": repository.stars,
        "language": repository.language,
        "topics": matching or list(repository.topics[:_TOPICS]),
    }


def show_found(found: dict[str, Any], login: str, source: str) -> None:
    """Print what `found_document` made."""
    labelled("why", "\n".join(_why(found, login, source)))


def _why(found: dict[str, Any], login: str, source: str) -> Iterator[str]:
    if work := found["work"]:
        commits = f"{work['commits']:,} {'commit' if work['commits'] == 1 else 'commits'}"
        days = f" in {found['active_within_days']} days" if found["active_within_days"] else ""
        share = f"{work['share_percent']} %" if work["share_percent"] else "less than 1 %"
        of_what = " of those read" if work["partly_read"] else ""
        yield f"{commits} to {plain(work['repository'])}{days} ({share}{of_what})"
        topics = ", ".join(map(plain, work["topics"]))
        facts = [
            f"{work['stars']:,} stars",
            plain(work["language"]),
            f"{'topics' if len(work['topics']) > 1 else 'topic'} {topics}" if topics else "",
        ]
        last = moment(datetime.fromisoformat(work["last_commit_at"]))
        yield ", ".join([*filter(None, facts), f"last commit {last}"])
    if found["score"] is not None:
        parts = " + ".join(f"{words(name)} {part:.2f}" for name, part in found["score_parts"].items())
        yield f"score {found['score']:.2f}{f' = {parts}' if parts else ''}"
    yield _profile(found, login, source)


def _profile(found: dict[str, Any], login: str, source: str) -> str:
    """Where the address comes from. What was read anew for another campaign is told as it stood in the mail."""
    where = f"profile github.com/{plain(login)}"
    if found["judged_at"] is None:
        return f"{where} not read yet"
    at = found["profile_read_at"]
    if at is None:
        return plain(source) or f"{where} not read"
    address = ", address published on the profile" if found["address_from"] else ", no address on it to write to"
    return f"{where} read {moment(datetime.fromisoformat(at))}{address}"


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
