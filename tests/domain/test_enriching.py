"""Every person that was found is judged for one reason, the same each time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import validate_email
from pydantic_core import PydanticCustomError
from scripted_source import NOW, contribution, profile, repository, searching

from domain.campaign import RepositoriesAudience
from domain.enriching import Wanted, best_work, is_at, judged, usable_address, wanted_by
from domain.fit import ActivityWindow
from domain.lead import LeadEnd, LeadState, address_domain
from domain.source_ports import Found
from domain.sourcing import Profile

WANTED = Wanted(window=ActivityWindow(NOW, 90), weights={"stars": 1.0, "share_of_commits": 1.0})
FOUND = Found(
    number=7,
    identity="U_ada",
    login="ada",
    contributions=(contribution("ada", "gadgets", commits=6), contribution("ada", commits=6, offsets={60: 6})),
    repositories=(repository("gadgets", stars=9), repository("widgets", stars=99, commits=12)),
)


def test_whoever_can_be_written_to_gets_a_score_with_reasons_and_a_repository() -> None:
    enriched = judged(FOUND, profile("ada", email="Ada@Bücher.example"), WANTED)
    assert (enriched.number, enriched.ended, enriched.email) == (7, None, "Ada@xn--bcher-kva.example")
    assert enriched.repository == "R_widgets", "as many commits as to the other, more stars"
    assert enriched.reasons == {"stars": pytest.approx(0.25, abs=0.001), "share_of_commits": 0.25}
    assert enriched.fit == pytest.approx(sum(enriched.reasons.values()))
    assert enriched.timezone == "", "half of twelve commits is no majority"


@pytest.mark.parametrize(
    ("said", "wanted", "reason"),
    [
        (None, WANTED, "account_gone"),
        (profile("ada", email=""), WANTED, "no_public_address"),
        (profile("ada", email="ask me"), WANTED, "no_public_address"),
        (profile("ada"), WANTED._replace(excluded_logins=("ADA",)), "excluded_login"),
        (profile("ada", email=""), WANTED._replace(excluded_logins=("ada",)), "excluded_login"),
        (profile("ada"), WANTED._replace(excluded_domains=("example.com",)), "excluded_domain"),
        (
            profile("ada", email="a@eu.EXAMPLE.com"),
            WANTED._replace(excluded_domains=("example.com",)),
            "excluded_domain",
        ),
        (profile("ada"), WANTED._replace(locations=("Germany",)), "other_location"),
        (profile("ada", location="Paris"), WANTED._replace(locations=("Germany", "Spain")), "other_location"),
        (profile("ada"), WANTED._replace(minimum=0.9), "below_score"),
    ],
)
def test_everybody_else_ends_for_one_reason(said: Profile | None, wanted: Wanted, reason: str) -> None:
    enriched = judged(FOUND, said, wanted)
    assert enriched.ended == LeadEnd(number=7, state=LeadState.SKIPPED, reason=reason)
    assert enriched.fit is None
    assert bool(enriched.reasons) == (reason == "below_score"), "reasons are kept of whom the score decided about"


def test_what_comes_close_to_a_rule_is_let_through() -> None:
    wanted = WANTED._replace(
        excluded_domains=("ample.com",), excluded_logins=("adam",), locations=("Spain", "Germany"), minimum=0.3
    )
    assert judged(FOUND, profile("ada", location="Köln, GERMANY"), wanted).ended is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada+news@Example.COM", "Ada+news@example.com"),
        ("", ""),
        ("ada", ""),
        ("ada at example.com", ""),
        ("Ada <ada@example.com>", ""),
        ("ada@example.com\r\nBcc: bo@example.com", ""),
        ("ada@example.com, bo@example.com", ""),
        ("ådä@example.com", ""),
        ("noreply@example.com", ""),
        ("No-Reply@example.com", ""),
        ("do_not_reply@example.com", ""),
        ("123+ada@users.noreply.example.com", ""),
        ("ada@noreply.example.com", ""),
        ("reply@example.com", "reply@example.com"),
        (f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example", ""),
        ("Kim.E+code@Example.com", "Kim.E+code@example.com"),
        ("kim@USERS.NOREPLY.GITHUB.COM", ""),
        ("noreplysen@example.com", "noreplysen@example.com"),
        ("kim at example dot com", ""),
        ("kim@example", ""),
        ("kim@example.com, ada@example.com", ""),
        ("kim@example.com Bcc: ada@example.com", ""),
        ("kim @example.com", ""),
        ('"k m"@example.com', ""),
    ],
)
def test_an_address_is_one_that_a_person_reads(text: str, address: str) -> None:
    assert usable_address(text) == address


LOCALS = st.text("abcXYZ019.+_-%'\u00e9 ", max_size=70)
LONG = ".".join(["b" * 60] * 3)
DOMAINS = st.sampled_from(
    ["example.com", "Example.ORG", "b\u00fccher.example", "example", "a..example", "-a.example", "", f"{LONG}.example"]
)


@given(LOCALS, DOMAINS)
@example("a" * 64, "example.com")
@example("a" * 65, "example.com")
@example("a" * 63, f"{LONG}.exampl")
@example("a" * 64, f"{LONG}.exampl")
def test_an_address_is_what_the_whole_of_it_says_whatever_is_known_of_its_domain(local: str, domain: str) -> None:
    try:
        _, address = validate_email(f"{local}@{domain}")
    except PydanticCustomError:
        address = ""
    usable = usable_address(f"{local}@{domain}")
    if not address or not local.isascii():
        assert usable == ""
    else:
        taken, _, _ = address.rpartition("@")
        assert usable == f"{taken}@{address_domain(address)}"


@pytest.mark.parametrize(
    ("location", "wanted", "found"),
    [
        ("Berlin, Germany", "germany", True),
        ("Germany", "Germany", True),
        ("Bucharest, Romania", "Oman", False),
        ("Toronto, ON, Canada", "Toronto, Canada", True),
        ("Toronto", "Toronto, Canada", False),
        ("New York City", "New York", True),
        ("York, new", "New York", False),
        ("", "Germany", False),
        ("Germany", ",", False),
        ("\uff27ermany", "Germany", True),
    ],
)
def test_a_place_is_found_by_whole_words(location: str, wanted: str, found: bool) -> None:  # noqa: FBT001 a parameter
    assert is_at(location, wanted) is found


def test_the_work_somebody_is_written_to_about_is_where_they_commit_most() -> None:
    work = replace(FOUND, contributions=(contribution("ada", "gadgets", commits=7), contribution("ada", commits=6)))
    assert best_work(work)[1].full_name == "example-org/gadgets"


def test_the_spec_says_who_is_wanted() -> None:
    until = datetime(2026, 11, 21, tzinfo=UTC)
    audience = searching(
        active_within_days=30,
        locations=["Germany"],
        score={"minimum": 0.2, "weights": {"stars": 1, "recency": 0, "share_of_commits": 0, "followers": 0}},
        exclude={"domains": ["example.org"], "logins": ["octo-example"]},
    ).audience
    assert audience.source == "github"
    wanted = wanted_by(audience, until)
    assert wanted.window == ActivityWindow(until, 30)
    assert (wanted.minimum, wanted.locations) == (0.2, ("Germany",))
    assert (wanted.excluded_domains, wanted.excluded_logins) == (("example.org",), ("octo-example",))
    assert judged(FOUND, profile("ada", location="Germany"), wanted).reasons.keys() == {"stars"}
    listed = RepositoriesAudience(source="repositories", repositories=("example-org/widgets",))
    assert wanted_by(listed, until).locations == ()


def test_what_strangers_typed_is_one_printable_line() -> None:
    said = profile("ada", name="Ada\r\nBcc:\x00 x\u202etxet", bio="a\n\n b" + "c" * 2000, read_at=NOW - timedelta(1))
    assert said.name == "Ada Bcc: xtxet"
    assert (said.bio[:4], len(said.bio)) == ("a bc", 1000)
