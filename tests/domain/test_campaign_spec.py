"""The spec's model: what it takes, what it refuses, what it leaves out by default, and who may be written to."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.campaign import (
    CampaignSpec,
    CsvAudience,
    GithubAudience,
    InDoubtPolicy,
    Permission,
    PermissionBasis,
    RepositoriesAudience,
    Score,
    Stage,
    StarRange,
    Weights,
    Window,
    slug,
)
from domain.campaign.values import LONGEST_DURATION, Days, Duration, Percent, Stars, parse_weekdays, written
from domain.permission import basis, refusal

MINIMAL: dict[str, Any] = {
    "version": 1,
    "name": "notes",
    "owner": "dana",
    "audience": {"source": "csv"},
    "sequence": [{"subject": "Notes", "body": "Hello"}],
    "review": {"mode": "none"},
    "sending": {
        "provider": "smtp",
        "mailboxes": [{"name": "relay", "address": "news@example.com", "pace": "none"}],
    },
}
SENDER = {"name": "Dana Rivers", "reply_to": "dana@example.com", "postal_address": "1 Example Street, Exampleland"}
NOTE = "Weighed on 2026-11-20 by Dana Rivers."


def spec(**changes: object) -> CampaignSpec:
    return CampaignSpec.model_validate({**MINIMAL, **changes})


def test_what_is_left_out_is_the_cautious_choice() -> None:
    bare = spec()
    assert bare.permission is None
    assert bare.sender is None
    assert not bare.dry_run
    assert bare.audience.exclude.contacted_within_days == 90
    assert bare.audience == CsvAudience(source="csv", on_invalid="report")
    assert bare.limits.github_share == 80.0
    assert bare.sending.in_doubt is InDoubtPolicy.HOLD
    assert bare.sending.window == Window.model_validate(
        {"days": "mon-sun", "from": "00:00", "to": "24:00", "timezone": "UTC"}
    )
    assert bare.sending.mailboxes[0].connections == 10
    assert (bare.sending.pause_above.bounces, bare.sending.pause_above.complaints) == (5.0, 0.3)
    assert bare.review.deadline == timedelta(days=3)
    deferred = bare.sending.deferred
    assert (deferred.first, deferred.longest, deferred.give_up) == (
        timedelta(minutes=15),
        timedelta(hours=4),
        timedelta(days=5),
    )


def test_a_stored_spec_comes_back_the_same() -> None:
    sending = {
        **MINIMAL["sending"],
        "list_id": "notes.example.com",
        "window": {"days": "mon-fri", "from": "9:00", "to": "17:00", "timezone": "Europe/Berlin"},
        "not_after": "2027-02-28",
        "deferred": {"first": "1.5s", "longest": "90s", "give_up": "2d"},
        "pause_above": {"bounces": "2%", "complaints": "0.05 %"},
    }
    whole = spec(
        review={"mode": "sample", "size": 10, "seed": 2026, "deadline": "36h"},
        sending=sending,
        sender=SENDER,
        permission={"basis": "consent", "require_evidence": ["consented_at"]},
        offer={"product": "Flakewatch", "summary": "2.4", "link": "https://example.com/notes"},
    )
    assert CampaignSpec.model_validate_json(whole.model_dump_json()) == whole
    assert whole.sending.window.from_ == "09:00"
    assert whole.sending.not_after == date(2027, 2, 28)
    assert '"first":"1.5s"' in whole.model_dump_json()
    assert '"pause_above":{"bounces":"2%","complaints":"0.05%"}' in whole.model_dump_json()


GITHUB: dict[str, Any] = {
    "source": "github",
    "languages": ["Python", "C++"],
    "topics": ["Testing"],
    "stars": "..500",
    "active_within_days": 30,
    "locations": ["Toronto, Canada"],
    "max_leads": 600,
    "score": {
        "minimum": 0.5,
        "top": 100,
        "weights": {"stars": 1, "recency": 0, "share_of_commits": 2.5, "followers": 0},
    },
    "exclude": {"domains": ["example.org"], "logins": ["@Octo-Example"], "contacted_within_days": 180},
}
REPOSITORIES: dict[str, Any] = {
    "source": "repositories",
    "repositories": ["example-org/Widgets", "Example-Org/widgets"],
}


def test_an_audience_that_is_searched_comes_back_the_same() -> None:
    for values in (GITHUB, {"source": "github", "stars": "100.."}, REPOSITORIES):
        whole = spec(audience=values, limits={"github_share": "60%"})
        assert CampaignSpec.model_validate_json(whole.model_dump_json()) == whole
    found = spec(audience=GITHUB).audience
    assert isinstance(found, GithubAudience)
    assert (found.languages, found.topics, found.exclude.logins) == (("python", "c++"), ("testing",), ("octo-example",))
    assert found.stars == StarRange(0, 500)


def test_what_a_search_leaves_out_is_the_usual() -> None:
    found = spec(audience={"source": "github", "topics": ["ci"]}).audience
    assert isinstance(found, GithubAudience)
    assert (found.active_within_days, found.max_leads, found.stars, found.languages) == (90, 200, None, ())
    weights = Weights(stars=0.3, recency=0.3, share_of_commits=0.3, followers=0.1)
    assert found.score == Score(minimum=0.0, top=None, weights=weights)


def test_a_repository_that_is_named_twice_counts_once() -> None:
    found = spec(audience=REPOSITORIES).audience
    assert isinstance(found, RepositoriesAudience)
    assert found.repositories == ("example-org/Widgets",)


def test_a_spec_that_an_earlier_version_stored_is_still_valid() -> None:
    now = spec(audience={"source": "csv", "file": "leads.csv", "exclude": {"domains": ["example.org"]}})
    stored = now.model_dump(mode="json")
    del stored["limits"]
    assert set(stored["audience"]) == {"source", "file", "columns", "on_invalid", "exclude"}
    assert set(stored["audience"]["exclude"]) == {"domains", "contacted_within_days"}
    assert CampaignSpec.model_validate(stored) == now


@pytest.mark.parametrize(
    "stars", ["", "..", "100", "100...200", "1..2..3", "-1..5", "1e3..", ">5", "٣..", 100, None, "2..1"]
)
def test_what_is_no_range_of_stars(stars: object) -> None:
    with pytest.raises(ValidationError, match=r"no range of stars|smaller number first"):
        TypeAdapter(Stars).validate_python(stars)


@given(st.integers(0, 499_999_999), st.integers(500_000_000, 999_999_999) | st.none())
def test_a_range_of_stars_is_written_so_that_it_is_read_the_same(least: int, most: int | None) -> None:
    assert TypeAdapter(Stars).validate_python(str(StarRange(least, most))) == StarRange(least, most)


@pytest.mark.parametrize(
    "name", ["a", "a/", "/b", "a/b/c", "a/..", "a/.", "a b/c", "a/b?c", "https://a/b", f"{'a' * 40}/b"]
)
def test_what_is_no_repository(name: str) -> None:
    with pytest.raises(ValidationError, match="is no repository; write it as owner/name"):
        spec(audience={"source": "repositories", "repositories": [name]})


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        spec().name = "other"  # type: ignore[misc]


def test_a_refused_value_is_not_repeated_in_full() -> None:
    with pytest.raises(ValidationError) as refused:
        spec(owner=["kim@example.com"])
    assert "kim@example.com" not in str(refused.value)


@pytest.mark.parametrize(
    "part",
    ["", "audience", "audience.exclude", "review", "writing", "limits"]
    + [f"sending{part}" for part in ("", ".window", ".deferred", ".pause_above")],
)
def test_a_field_that_is_not_known_is_refused_everywhere(part: str) -> None:
    changed = spec().model_dump(mode="json")
    group = changed
    for name in filter(None, part.split(".")):
        group = group[name]
    group["daily_cap"] = 30
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        CampaignSpec.model_validate(changed)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("release-notes-2026-11", "release-notes-2026-11"), ("Q4_Notes.v2", "q4-notes-v2"), ("a--b", "a-b")],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", fullmatch=True))
def test_every_name_has_a_slug_fit_for_an_id(name: str) -> None:
    made = slug(spec(name=name).name)
    assert made
    assert made == slug(made)
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_stages_are_in_their_order() -> None:
    assert " ".join(Stage) == "planning discovery enrichment personalization review sending reporting"


@pytest.mark.parametrize(
    ("days", "expected"),
    [("mon-fri", {0, 1, 2, 3, 4}), ("Mon, wed", {0, 2}), ("fri-mon", {4, 5, 6, 0}), ("mon-sun", set(range(7)))],
)
def test_weekdays(days: str, expected: set[int]) -> None:
    assert parse_weekdays(days) == expected


@pytest.mark.parametrize("days", ["", "mon-", "-fri", "mon-wed-fri", "monday", "mon;tue", "1-5"])
def test_what_is_no_weekday(days: str) -> None:
    with pytest.raises(ValidationError, match="no weekday or range of weekdays"):
        TypeAdapter(Days).validate_python(days)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1.5s", 1.5), ("15m", 900), ("4h", 14_400), ("5d", 432_000), ("0.5d", 43_200)]
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert TypeAdapter(Duration).validate_python(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", ["", "15", "m", "-1m", "1w", "1h30m", "1 h", "٣m", 15, True, None, "0s", "367d", "999999999d"]
)
def test_what_is_no_length_of_time(value: object) -> None:
    with pytest.raises(ValidationError, match=r"no length of time|longer than nothing"):
        TypeAdapter(Duration).validate_python(value)


@given(st.timedeltas(timedelta(microseconds=1), LONGEST_DURATION))
def test_a_length_of_time_is_written_so_that_it_is_read_the_same(length: timedelta) -> None:
    assert TypeAdapter(Duration).validate_python(written(length)) == length


def test_a_permission_by_legitimate_interest_says_what_was_weighed() -> None:
    assert Permission(basis=PermissionBasis.LEGITIMATE_INTEREST, note=NOTE).note == NOTE
    with pytest.raises(ValidationError, match="legitimate_interest needs a note"):
        Permission(basis=PermissionBasis.LEGITIMATE_INTEREST)


@pytest.mark.parametrize("mode", ["all", "none"])
def test_only_a_sample_has_a_size(mode: str) -> None:
    assert spec(review={"mode": mode}).review.size is None
    with pytest.raises(ValidationError, match=f"size belongs to mode: sample, and the mode is {mode}"):
        spec(review={"mode": mode, "size": 10})
    with pytest.raises(ValidationError, match="a sample needs its size, such as size: 10"):
        spec(review={"mode": "sample"})


@pytest.mark.parametrize(
    ("text", "share"), [("3%", 3.0), ("0.1%", 0.1), ("0.0001%", 0.0001), ("12.5 %", 12.5), ("100%", 100.0)]
)
def test_shares(text: str, share: float) -> None:
    found = TypeAdapter(Percent).validate_python(text)
    assert found == share
    assert TypeAdapter(Percent).validate_python(TypeAdapter(Percent).dump_python(found)) == share


@pytest.mark.parametrize("value", ["", "3", "%", "-1%", "0%", "100.1%", "3 %%", "٣%", "1e2%", 3, True, None])
def test_what_is_no_share(value: object) -> None:
    with pytest.raises(ValidationError, match=r"no share|more than 0% and at most 100%"):
        TypeAdapter(Percent).validate_python(value)


CONSENT = {"basis": "consent"}
EVIDENCE = {"basis": "consent", "require_evidence": ["consented_at", "consent_source"]}
REFUSALS: dict[str, tuple[dict[str, object], str, Mapping[str, str], str | None]] = {
    "all there": ({"permission": CONSENT, "sender": SENDER}, "", {}, None),
    "no basis anywhere": ({"sender": SENDER}, "", {}, "no_permission_basis"),
    "a basis in the row": ({"sender": SENDER}, "consent", {}, None),
    "a row's interest without a note": (
        {"permission": CONSENT, "sender": SENDER},
        "legitimate_interest",
        {},
        "no_note",
    ),
    "a row's interest, no permission": ({"sender": SENDER}, "legitimate_interest", {}, "no_note"),
    "a row's interest with a note": (
        {"permission": {"basis": "consent", "note": NOTE}, "sender": SENDER},
        "legitimate_interest",
        {},
        None,
    ),
    "nobody writes": ({"permission": CONSENT}, "", {}, "no_identity"),
    "from nowhere": (
        {"permission": CONSENT, "sender": {"name": "Dana Rivers", "reply_to": "dana@example.com"}},
        "",
        {},
        "no_postal_address",
    ),
    "evidence": (
        {"permission": EVIDENCE, "sender": SENDER},
        "",
        {"consented_at": "2026-10-02", "consent_source": "form"},
        None,
    ),
    "blank evidence": (
        {"permission": EVIDENCE, "sender": SENDER},
        "consent",
        {"consented_at": "2026-10-02", "consent_source": " "},
        "no_evidence:consent_source",
    ),
    "no evidence": ({"permission": EVIDENCE, "sender": SENDER}, "", {}, "no_evidence:consented_at"),
}


@pytest.mark.parametrize(("changes", "lead_basis", "evidence", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_nothing_is_sent_without_basis_identity_and_evidence(
    changes: dict[str, object], lead_basis: str, evidence: Mapping[str, str], reason: str | None
) -> None:
    assert refusal(spec(**changes), lead_basis, evidence) == reason


def test_the_rows_basis_wins() -> None:
    assert basis(spec(permission=CONSENT), "") is PermissionBasis.CONSENT
    assert basis(spec(permission=CONSENT), "existing_relationship") is PermissionBasis.EXISTING_RELATIONSHIP
    assert basis(spec(), "") is None
