"""Deciding about drafts from the command line: at a terminal, from scripts, and while Temporal is away."""

import asyncio
import json
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from command_line import CommandLine
from local_world import free_port, spec
from stored_campaigns import CAMPAIGN, StoredCampaigns
from temporalio.testing import ActivityEnvironment

from activities.personalization import PersonalizationActivities
from client.adapters import template_writer
from domain.campaign import CampaignSpec, Stage
from domain.message import Draft
from domain.outgoing import fingerprint_of
from domain.review import sample
from domain.wire import WindowTask
from storage.database import Database

LEADS = 6
SECRET = "a secret of the tests, long enough"
KEYS = "a approve   e edit   r reject   s skip   A approve the rest   q quit"

pytestmark = pytest.mark.timeout(180)  # up to ten processes of two seconds each


class Desk:
    """A campaign whose drafts wait, and a person's commands. Temporal does not answer."""

    def __init__(self, directory: Path) -> None:
        self.outrider = CommandLine(directory)
        self.outrider.home.mkdir()
        self.variables = {
            "OUTRIDER_SECRET_KEY": SECRET,
            "OUTRIDER_USER": "dana",
            "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
        }
        self.stored = StoredCampaigns(self.outrider.home / "outrider.db")

    async def prepare(self, **review: Any) -> None:  # noqa: ANN401 fields of the spec
        """A migrated database with one campaign, all of it drafted."""
        database = Database(f"sqlite+aiosqlite:///{self.stored.path}")
        await database.migrate()
        await database.close()
        of = CampaignSpec.model_validate({**spec().model_dump(mode="json"), "review": review})
        await self.stored.create(leads=LEADS, of=of)
        writer = template_writer()
        drafting = PersonalizationActivities(
            self.stored.campaigns, self.stored.leads, self.stored.people, writer, "https://mail.example.com"
        )
        task = WindowTask(campaign_id=CAMPAIGN, stage=Stage.PERSONALIZATION, first=1, last=LEADS)
        await ActivityEnvironment().run(drafting.draft_messages, task)
        await self.stored.database.close()

    def __call__(self, command: str, *arguments: str, **extra: str) -> CompletedProcess[str]:
        return self.outrider(command, CAMPAIGN, *arguments, **self.variables, **extra)

    def decisions(self) -> list[str]:
        rows = self.stored.rows("SELECT decision, decided_by FROM drafts ORDER BY number")
        return [f"{row['decision']} {row['decided_by']}" if row["decision"] else "" for row in rows]

    def draft(self, number: int) -> dict[str, Any]:
        (row,) = self.stored.rows("SELECT * FROM drafts WHERE number = ?", number)
        return row


class Terminal:
    """`outrider review` on a terminal of its own."""

    def __init__(self, desk: Desk, **extra: str) -> None:
        self._screen, other = pty.openpty()
        environment = desk.outrider.environment({**desk.variables, "TERM": "xterm", **extra})
        self._process = subprocess.Popen(
            desk.outrider.command("review", CAMPAIGN),
            cwd=desk.outrider.directory,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            preexec_fn=_own_terminal,  # noqa: PLW1509 Ctrl-C must come from this terminal
        )
        os.close(other)
        self.shown = ""
        self._read = 0

    def until(self, text: str) -> str:
        """What is shown until a text; escape sequences for colours are taken out."""
        deadline = time.monotonic() + 30
        while text not in self.shown[self._read :]:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.shown[self._read :]!r}"
            if select.select([self._screen], [], [], 0.1)[0]:
                self.shown += self._some()
        end = self.shown.index(text, self._read) + len(text)
        found = self.shown[self._read : end]
        self._read = end
        return found

    def press(self, keys: str) -> None:
        """Press keys, after the moment that the terminal needs to listen."""
        time.sleep(0.2)
        os.write(self._screen, keys.encode())

    def ended(self) -> int:
        """The exit code."""
        while (some := self._some()) or self._process.poll() is None:
            self.shown += some
        os.close(self._screen)
        return self._process.wait(20)

    def _some(self) -> str:
        try:
            return re.sub(r"\x1b\[[0-9;]*m", "", os.read(self._screen, 65536).decode()).replace("\r\n", "\n")
        except OSError:  # the process has closed its side
            return ""


def _own_terminal() -> None:
    """Make stdin the terminal that controls this process, as a shell does."""
    import fcntl  # noqa: PLC0415 after the fork
    import termios  # noqa: PLC0415 as above

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.stored.assert_trail_is_whole()


@pytest.fixture
async def all_wait(desk: Desk) -> Desk:
    await desk.prepare(mode="all")
    return desk


async def test_numbers_and_all_are_approved_and_the_decisions_outlive_temporals_absence(all_wait: Desk) -> None:
    some = all_wait("approve", "--lead", "1, 3-4", "--json")
    assert some.returncode == 0
    document = json.loads(some.stdout)
    assert (document["approved"], document["waiting"], document["leads"]) == (3, 3, {"approved": 3})
    assert "what was decided is stored" in document["workflow"]
    assert all_wait.decisions() == ["approved dana", "", "approved dana", "approved dana", "", ""]
    rest = all_wait("approve", "--all", "--by", "iris")
    assert (rest.returncode, rest.stdout.splitlines()[0]) == (0, "3 approved by iris")
    assert all_wait.decisions()[1] == "approved iris"
    assert all_wait("approve", "--all").stdout.startswith("nothing to approve\n")


async def test_what_cannot_be_decided_is_one_line(all_wait: Desk) -> None:
    all_wait("reject", "--lead", "2", "--reason", "has left the company").check_returncode()
    cases = [
        (["approve"], "error: which drafts? give --lead 1,4,10-20 or --all"),
        (["approve", "--lead", "1", "--all"], "error: give --lead or --all, not both"),
        (["approve", "--lead", "4-2"], 'error: --lead: "4-2" goes nowhere; the first is 1, and 10-20 goes upwards'),
        (["approve", "--lead", "2"], "error: lead 2: the draft was rejected by dana already"),
        (["approve", "--lead", "99"], "error: lead 99 has no draft"),
        (["reject", "--lead", "1"], "error: --reason is missing"),
        (["reject", "--lead", "1", "--reason", " "], "error: --reason is missing"),
        (["edit", "--lead", "1"], "error: there is no terminal to edit in"),
        (["edit", "--lead", "99", "--subject", "x"], "error: lead 99 has no draft of step 1"),
    ]
    with ThreadPoolExecutor(4) as at_once:
        answers = list(at_once.map(lambda case: all_wait(*case[0]), cases))
    for (arguments, said), refused in zip(cases, answers, strict=True):
        assert (refused.returncode, refused.stderr.splitlines()[0]) == (2, said), arguments
    assert all_wait.stored.message(2)["reason"] == "rejected"
    assert all_wait.decisions() == ["", "rejected dana", "", "", "", ""]
    mixed = all_wait("approve", "--lead", "1-3,99").stdout.splitlines()
    assert mixed[:3] == ["2 approved by dana", "of those leads: 2 approved · 1 rejected", "3 still wait"]


async def test_drafts_are_shown_with_what_was_decided(all_wait: Desk) -> None:
    all_wait("reject", "--lead", "2", "--reason", "has left\nthe company").check_returncode()
    lines = all_wait("drafts", "--limit", "2").stdout.splitlines()
    assert lines[0].startswith("lead 1      step 1   to p***@example.com   by template ")
    assert lines[1] == "decision    waits for a person"
    assert re.search(
        r"^decision    rejected by dana, \d{4}-\d\d-\d\d \d\d:\d\d UTC: has left the company$",
        "\n".join(lines),
        re.MULTILINE,
    )
    assert lines[-1] == f"and 4 more: --limit N, or outrider export {CAMPAIGN} --what drafts"
    (draft,) = json.loads(all_wait("drafts", "--lead", "2", "--json").stdout)
    assert (draft["lead_number"], draft["decision"], draft["decided_by"]) == (2, "rejected", "dana")
    assert draft["decision_reason"] == "has left the company"


async def test_an_edit_from_a_script_keeps_the_foot_and_takes_the_approval_back(all_wait: Desk) -> None:
    all_wait("approve", "--all").check_returncode()
    before = all_wait.draft(1)
    edited = json.loads(all_wait("edit", "--lead", "1", "--subject", "Another subject", "--json").stdout)
    assert (edited["changed"], edited["decision"], edited["author"]) == (True, None, "person")
    assert (all_wait.draft(1)["subject"], all_wait.draft(1)["text"]) == ("Another subject", before["text"])
    assert all_wait.draft(1)["fingerprint"] not in ("", before["fingerprint"])
    body = all_wait.outrider.directory / "body.txt"
    theirs = all_wait.draft(2)["text"]
    foot = theirs[theirs.index("-- \n") :]
    body.write_text(f"Dear Robin <b>,\r\n\r\nthis is\r\nit.\r\n\r\n{foot.replace('-- ', '--')}", encoding="utf-8")
    all_wait("edit", "--lead", "2", "--body-file", "body.txt", "--approve").check_returncode()
    now = all_wait.draft(2)
    assert now["text"].startswith("Dear Robin <b>,\n\nthis is it.\n\n-- \n")
    assert now["opt_out_url"] in now["html"]
    assert "<p>Dear Robin &lt;b&gt;,</p>" in now["html"]
    assert now["decision"] == "approved"
    draft = Draft.model_validate({name: now[name] for name in Draft.model_fields})
    mailbox = spec().sending.mailboxes[0]
    sent = fingerprint_of(spec(), mailbox, draft, "person2@example.com", now["opt_out_url"])
    assert now["fingerprint"] == sent, "what is approved is what the lanes will make of it"


async def test_a_text_that_cannot_be_sent_is_refused_and_nothing_changes(all_wait: Desk) -> None:
    before = all_wait.draft(1)
    body, _, foot = before["text"].rpartition("-- \n")
    cases = {
        body: "the edited draft is refused: the opt-out address is missing; its line is: Stop these mails: ",
        f"{body}-- \n{foot.replace('Example Labs', 'Nobody')}": "must stay as it is: who writes, why, and how to stop",
        f"-- \n{foot}": "the edited draft is refused: there is no text above the foot",
        f"Hello {{{{ lead.name }}}}\n\n-- \n{foot}": "a placeholder such as {{ … }} is left in it",
    }
    for text, said in cases.items():
        (all_wait.outrider.directory / "body.txt").write_text(text, encoding="utf-8")
        refused = all_wait("edit", "--lead", "1", "--body-file", "body.txt")
        assert refused.returncode == 2
        assert said in refused.stderr.splitlines()[0]
    assert "the subject is longer than 80" in all_wait("edit", "--lead", "1", "--subject", "x" * 81).stderr
    assert all_wait.draft(1) == before


async def test_without_a_terminal_review_says_what_waits_and_ends(all_wait: Desk) -> None:
    listed = all_wait("review")
    assert (listed.returncode, listed.stderr) == (0, "")
    lines = listed.stdout.splitlines()
    assert lines[0] == "6 drafts wait for a decision"
    assert lines[1].startswith("            lead 1  step 1  p***@example.com  News for Robin Example1")
    assert f"decide      outrider approve {CAMPAIGN} --lead 1,4,10-20 (or: --all)" in lines
    all_wait("approve", "--all").check_returncode()
    assert all_wait("review").stdout == "nothing waits for a decision\n"


async def test_a_sample_is_all_that_is_asked_about(desk: Desk) -> None:
    await desk.prepare(mode="sample", size=2, seed=3)
    first, second = sorted(sample(range(1, LEADS + 1), 2, 3))
    lines = desk("review").stdout.splitlines()
    assert lines[0] == "2 drafts wait for a decision; 4 drafts wait for the sample"
    assert [line.split()[1] for line in lines[1:3]] == [str(first), str(second)]
    desk("reject", "--lead", str(first), "--reason", "no").check_returncode()
    desk("approve", "--lead", str(second)).check_returncode()
    assert desk("review").stdout.splitlines()[0] == (
        "4 drafts wait for a decision: 1 of the sample rejected, so the others need a person's word"
    )


async def test_a_person_goes_through_the_drafts_key_by_key(all_wait: Desk) -> None:
    all_wait.stored.execute(
        "UPDATE drafts SET text = replace(text, 'this is it', 'this is' || char(27) || '[2J it') WHERE number = 1"
    )
    terminal = Terminal(all_wait, EDITOR="sed -i s/Hello/Greetings/")
    first = terminal.until(KEYS)
    assert "6 drafts wait for a decision" in first
    assert "1 of 6" in first
    assert "this is[2J it" in first, "the escape is not obeyed"
    terminal.press("a")
    terminal.until("lead 1: approved")
    terminal.until(KEYS)
    terminal.press("r")
    terminal.until("reason")
    terminal.press("wrong person\n")
    terminal.until("lead 2: rejected")
    terminal.until(KEYS)
    terminal.press("e")
    assert "Greetings Robin Example3" in terminal.until(KEYS)
    assert all_wait.decisions()[2] == "", "an edit is no approval"
    terminal.press("a")
    terminal.until("lead 3: approved")
    terminal.until(KEYS)
    terminal.press("s")
    assert "lead 5" in terminal.until(KEYS)
    terminal.press("A")
    terminal.until("approve these 2 drafts, 1 of them unseen?")
    terminal.press("y\n")
    assert terminal.ended() == 0
    assert "4 approved · 1 rejected · 1 edited · 1 skipped" in terminal.shown
    assert "what was decided is stored" in terminal.shown
    assert all_wait.decisions() == ["approved dana", "rejected dana", "approved dana", "", *["approved dana"] * 2]
    assert all_wait.draft(2)["decision_reason"] == "wrong person"


async def test_a_refused_text_is_kept_for_the_next_edit(all_wait: Desk) -> None:
    terminal = Terminal(all_wait, EDITOR="sed -i -e s/Stop/Go/ -e s/Hello/Greetings/")
    terminal.until(KEYS)
    terminal.press("e")
    assert "must stay as it is" in terminal.until(KEYS)
    terminal.press("e")
    assert "must stay as it is" in terminal.until(KEYS), "the second edit begins with the refused text"
    terminal.press("q")
    assert terminal.ended() == 0
    assert all_wait.decisions() == [""] * LEADS
    assert all_wait.draft(1)["text"].startswith("Hello")


async def test_who_is_quicker_decides_and_the_other_is_told(all_wait: Desk) -> None:
    terminal = Terminal(all_wait)
    terminal.until(KEYS)
    all_wait("edit", "--lead", "1", "--subject", "Another subject", "--by", "iris").check_returncode()
    all_wait("approve", "--lead", "2", "--by", "iris").check_returncode()
    terminal.press("a")
    again = terminal.until(KEYS)
    assert "changed meanwhile" in again
    assert "Another subject" in again
    terminal.press("a")
    terminal.until("lead 2: decided meanwhile")
    assert "lead 3" in terminal.until(KEYS)
    terminal.press("q")
    assert terminal.ended() == 0
    assert all_wait.decisions()[:3] == ["approved dana", "approved iris", ""]


async def test_the_rest_is_approved_only_with_the_text_that_was_shown(all_wait: Desk) -> None:
    terminal = Terminal(all_wait)
    terminal.until(KEYS)
    terminal.press("A")
    terminal.until("approve these 6 drafts, 5 of them unseen?")
    all_wait("edit", "--lead", "1", "--subject", "Another subject", "--by", "iris").check_returncode()
    terminal.press("y\n")
    again = terminal.until(KEYS)
    assert "changed meanwhile" in again
    assert "Another subject" in again
    assert all_wait.decisions() == [""] * LEADS, "neither this one nor the rest"
    terminal.press("A")
    terminal.until("approve these 6 drafts, 5 of them unseen?")
    terminal.press("y\n")
    assert terminal.ended() == 0
    assert "6 approved" in terminal.shown
    assert all_wait.decisions() == ["approved dana"] * LEADS


async def test_an_interruption_loses_nothing_that_was_decided(all_wait: Desk) -> None:
    terminal = Terminal(all_wait)
    terminal.until(KEYS)
    terminal.press("a")
    terminal.until("lead 1: approved")
    terminal.until(KEYS)
    terminal.press("r")
    terminal.until("reason")
    await asyncio.sleep(0.5)  # no person is quicker than the line editor, which a signal in between would leave waiting
    terminal.press("\x03")
    assert terminal.ended() == 130
    assert "what was decided is stored" in terminal.shown
    assert all_wait.decisions() == ["approved dana", *[""] * 5]
