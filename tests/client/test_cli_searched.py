"""What `show`, `report`, `export` and `monitor` say of a campaign that searched for its people."""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import searched_campaign
from scripted_source import NOW, profile
from stored_campaigns import CAMPAIGN

from client.adapters import Storage, migrate, open_storage
from client.cli.entry import execute
from client.cli.picture import one_line, picture
from client.settings import load_settings
from domain.campaign import Stage
from domain.progress import Progress
from domain.source_ports import Enriched
from domain.wire import Hold, HoldReason


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A searched campaign, and no Temporal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTRIDER_HOME", str(tmp_path / "home"))

    async def store() -> None:
        await migrate(load_settings())
        async with open_storage(load_settings()) as storage:
            await searched_campaign.create(storage)

    asyncio.run(store())


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert execute(arguments) == 0
    return capsys.readouterr().out


def read_progress() -> Progress:
    async def read() -> Progress:
        async with open_storage(load_settings()) as storage:
            return await storage.progress.read(CAMPAIGN)

    return asyncio.run(read())


def test_show_adds_up_whom_the_search_looked_at_and_what_it_cost(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "show", CAMPAIGN).splitlines()
    assert "looked at   9 = 5 leads + 2 bots + 1 organization + 1 repository with commits of no account" in lines, lines
    (leads,) = (line for line in lines if line.startswith("leads"))
    assert leads.startswith("leads       5 = 3 open + 1 skipped, ")
    assert "1 skipped, no public address" in leads
    cost = "5 points (3 for the search, 2 for profiles) · 2 repositories · 1 page · 1 search incomplete"
    assert f"GitHub      {cost}" in lines
    document = json.loads(said(capsys, "show", CAMPAIGN, "--json"))
    assert document["search"]["looked_at"] == 9
    assert document["search"]["passed_over"] == {"bot": 2, "organization": 1, "unknown_account": 1}


def test_a_lead_is_shown_with_what_speaks_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "show", CAMPAIGN, "--lead", "1").splitlines()
    last = f"{NOW - timedelta(days=1):%Y-%m-%d %H:%M} UTC"
    assert lines[:5] == [
        "lead 1      Ada Example <a***@example.com>   Köln   UTC+02:00 (20 of 20 commits)",
        "why         20 commits to example-org/widgets in 90 days (49 %)",
        f"            1,204 stars, Python, topic pytest, last commit {last}",
        "            score 0.67 = stars 0.23 + recency 0.30 + share of commits 0.15 + followers 0.00",
        f"            profile github.com/ada read {NOW:%Y-%m-%d %H:%M} UTC, address published on the profile",
    ]
    assert "ada@example.com" not in "".join(lines)
    found = json.loads(said(capsys, "show", CAMPAIGN, "--lead", "1", "--json"))["found"]
    assert sum(found["score_parts"].values()) == pytest.approx(found["score"])
    assert (found["work"]["share_percent"], found["clock"]["offset"]) == (49, "UTC+02:00")
    assert not found["work"]["partly_read"]


def test_a_share_of_a_repository_that_was_partly_read_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "show", CAMPAIGN, "--lead", "5").splitlines()
    assert "why         100 commits to example-org/formulas in 90 days (10 % of those read)" in lines, lines
    work = json.loads(said(capsys, "show", CAMPAIGN, "--lead", "5", "--json"))["found"]["work"]
    assert (work["share_percent"], work["partly_read"]) == (10, True)


@pytest.mark.parametrize(
    ("number", "who", "profile_line"),
    [
        (3, "Cy Example   Köln   UTC+02:00 (5 of 5 commits)", "no address on it to write to"),
        (4, "di", "profile github.com/di not read"),
        (5, "eve", "profile github.com/eve not read yet"),
    ],
)
def test_what_is_not_stored_of_a_lead_is_not_shown(
    capsys: pytest.CaptureFixture[str], number: int, who: str, profile_line: str
) -> None:
    lines = said(capsys, "show", CAMPAIGN, "--lead", str(number)).splitlines()
    assert lines[0] == f"lead {number}      {who}"
    assert any(line.endswith(profile_line) for line in lines), lines
    assert not any("score" in line or "published" in line for line in lines)


def test_a_profile_that_was_read_anew_for_another_campaign_is_told_as_it_stood(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def read_anew(storage: Storage) -> None:
        await searched_campaign.create(storage, "campaign-b")
        later = profile("bo", read_at=datetime.now(UTC) + timedelta(days=1))
        await storage.people.store_enriched("campaign-b", [Enriched(number=5, profile=later)], 1000)

    async def run() -> None:
        async with open_storage(load_settings()) as storage:
            await read_anew(storage)

    asyncio.run(run())
    text = said(capsys, "show", CAMPAIGN, "--lead", "2")
    assert f"your public GitHub profile github.com/bo, read on {NOW:%Y-%m-%d}" in text
    assert f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}" not in text


def test_a_report_says_what_the_search_did_not_see(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "report", CAMPAIGN)
    assert "- looked at 9 = 5 leads + 2 bots + 1 organization + 1 repository with commits of no account  ✓" in text
    assert "- 9 looked at in 2 repositories, 5 leads found, 2 of them reachable" in text
    assert "- incomplete: of 1 search GitHub said that it did not look everywhere; people may be missing" in text
    assert "- not read: 4,000 commits in 1 repository; whoever made only those is missing" in text
    assert "GitHub 5 points (3 for the search, 2 for profiles) · 1 page of search results" in text
    assert json.loads(said(capsys, "report", CAMPAIGN, "--json"))["search"]["reachable"] == 2


def test_repositories_and_leads_can_be_taken_away(capsys: pytest.CaptureFixture[str]) -> None:
    widgets, formulas = csv.DictReader(io.StringIO(said(capsys, "export", CAMPAIGN, "--what", "repositories")))
    assert (widgets["full_name"], widgets["topics"], widgets["stars"]) == ("example-org/widgets", "web, pytest", "1204")
    assert (widgets["people"], widgets["leads"], widgets["reachable"]) == ("4", "3", "2")
    assert (formulas["description"], formulas["people"], formulas["leads"]) == ("'=1+1", "1", "0")
    rows = json.loads(said(capsys, "export", CAMPAIGN, "--what", "leads", "--format", "json"))
    assert [row["login"] for row in rows] == list(searched_campaign.FOUND)
    assert [row["repository"] for row in rows] == ["example-org/widgets"] * 3 + ["", ""]
    ada = rows[0]
    assert sum(json.loads(ada["fit_reasons"]).values()) == pytest.approx(ada["fit"])
    assert datetime.fromisoformat(ada["profile_read_at"]) == NOW
    assert (ada["source"], ada["commits"]) == (
        f"your public GitHub profile github.com/ada, read on {NOW:%Y-%m-%d}",
        20,
    )
    assert rows[3]["profile_read_at"] is None


def test_the_picture_has_notes_and_is_not_done_while_slices_are_open() -> None:
    progress = read_progress()
    for width in (80, 120):
        lines = [line.plain for line in picture(progress, size=(width, 40))]
        assert max(map(len, lines)) <= width
        (discovery,) = (line for line in lines if line.startswith("discovery"))
        (enrichment,) = (line for line in lines if line.startswith("enrichment"))
        note = "9 looked at, 1 slice to go" if width > 100 else "9 looked at, 1 slice to …"
        assert discovery.endswith(note), discovery
        assert enrichment.endswith("2 GraphQL points")
        assert "✓" not in discovery + enrichment
    assert "looked_at=9 leads=5" in one_line(progress)


def test_a_wait_for_github_is_said_in_words_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    async def hold() -> None:
        async with open_storage(load_settings()) as storage:
            until = datetime.now(UTC) + timedelta(minutes=10)
            await storage.campaigns.set_hold(
                CAMPAIGN, Stage.DISCOVERY, Hold(until=until, reason=HoldReason.SOURCE_REFUSED)
            )

    asyncio.run(hold())
    lines = said(capsys, "show", CAMPAIGN).splitlines()
    waits = "waiting for GitHub, which refuses us in stage discovery"
    (at,) = (at for at, line in enumerate(lines) if line.startswith(waits))
    assert lines[at + 1].strip() == "operator: set OUTRIDER_GITHUB_TOKEN to a token that works"


def test_doctor_says_that_a_search_needs_github_and_nothing_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert execute(["doctor", "--json"]) == 1
    checks = {one["name"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["GitHub"] == {
        "name": "GitHub",
        "verdict": "failed",
        "detail": f"OUTRIDER_GITHUB_TOKEN is not set, so GitHub is not asked; {CAMPAIGN} needs it",
        "way_out": "set it to a token that may read:user and user:email",
    }
