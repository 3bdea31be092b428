"""A wrong command ends with one clear line, the way out and its exit code; never with a traceback."""

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from types import MappingProxyType
from typing import NamedTuple

import pytest
from command_line import CommandLine

from client.cli.entry import execute

GITHUB_EXAMPLE = Path(__file__).parents[2] / "examples" / "github-campaign.yaml"

pytestmark = pytest.mark.timeout(180)  # thirty processes of two seconds each


class Case(NamedTuple):
    """A command, its exit code, and its lines on stderr; `{home}` is where its data would be."""

    command: str
    code: int
    lines: Sequence[str]
    variables: Mapping[str, str] = MappingProxyType({})


CASES = {
    "unknown command": Case("frobnicate", 2, ["error: no such command 'frobnicate'", "hint: outrider --help"]),
    "unknown option": Case(
        "list --wrong",
        2,
        ["error: no such option: --wrong (Possible options: --json, --waiting)", "hint: outrider list --help"],
    ),
    "no argument": Case("show", 2, ["error: missing argument 'ID'", "hint: outrider show --help"]),
    "no subcommand": Case("suppress", 2, ["error: missing command", "hint: outrider suppress --help"]),
    "no file and no id": Case(
        "run",
        2,
        ["error: no spec file was named", "hint: outrider init campaign.yaml, then: outrider run campaign.yaml"],
    ),
    "a goal without a search in it": Case(
        "run|Find 200 maintainers",
        2,
        [
            "error: the goal names nothing to search by: no language, no topic and no stars",
            'hint: outrider plan "Find 200 Python maintainers active in the last 90 days, topic testing"',
        ],
    ),
    "a goal for too many": Case(
        "run|Find 60k Python maintainers",
        2,
        ["error: the goal asks for 60,000 people; a campaign finds at most 50,000"],
    ),
    "a goal in a spec with the texts of a list": Case(
        "run|Find 200 Python maintainers",
        2,
        [
            "error: campaign.yaml:39: sequence.0.body: there is no column `plan`",
            "hint: campaign.yaml is written for the people of a list; one for a search: outrider init --github FILE",
        ],
    ),
    "a goal too long to be a file": Case(
        f"run|Find Python maintainers {'and maintainers ' * 20}",
        2,
        ["error: --set: goal: is too long; at most 300 characters"],
    ),
    "a list for a search": Case(
        "run github.yaml --leads leads.csv",
        2,
        [
            "error: --leads: github.yaml searches for its people (audience.source: github)",
            "hint: leave --leads out, or write audience: {{source: csv}}",
        ],
    ),
    "a search for nothing": Case(
        "plan github.yaml --set audience.languages=[] --set audience.topics=[] --set audience.stars=",
        2,
        ["error: github.yaml:10: audience: there is nothing to search by; name languages, topics or stars"],
    ),
    "no such spec": Case(
        "plan missing.yaml",
        2,
        ["error: missing.yaml: there is no such file; outrider init missing.yaml writes one to start from"],
    ),
    "no such list": Case(
        "run campaign.yaml --leads missing.csv",
        2,
        ["error: missing.csv: there is no such file; name one with audience.file or --leads"],
    ),
    "nobody in the list": Case(
        "run campaign.yaml --leads nobody.csv",
        2,
        ["error: nobody.csv: none of its 2 rows can be used", "hint: outrider plan campaign.yaml"],
    ),
    "a change without a value": Case(
        "plan campaign.yaml --set owner",
        2,
        ["error: --set owner: must be path=value", "hint: --set sending.window.timezone=Europe/Berlin"],
    ),
    "a change to nonsense": Case(
        "plan campaign.yaml --set sending.window.timezone=Mars",
        2,
        [
            (
                'error: --set: sending.window.timezone: "Mars" is no time zone; write an IANA name such as UTC or '
                "Europe/Berlin"
            ),
        ],
    ),
    "an impossible id": Case(
        "run|campaign.yaml|--id|a b",
        2,
        [
            "error: --id: at most 80 letters, digits, -, _ and ., the first a letter or digit",
            "hint: --id campaign-release-notes-2026-11",
        ],
    ),
    "no Temporal": Case(
        "run campaign.yaml", 3, ["error: no address of Temporal: nothing was started here", "hint: outrider up"]
    ),
    "Temporal does not answer": Case(
        "run campaign.yaml",
        3,
        ["error: Temporal does not answer at 127.0.0.1:9", "hint: outrider up"],
        {"TEMPORAL_ADDRESS": "127.0.0.1:9"},
    ),
    "no database": Case(
        "list",
        3,
        ["error: no database at {other}/outrider.db", "hint: outrider up (or: outrider migrate)"],
        {"OUTRIDER_HOME": "{other}"},
    ),
    "another database": Case(
        "list",
        2,
        [
            "error: OUTRIDER_DATABASE_URL: rows are kept in SQLite or PostgreSQL, not in mysql",
            "hint: leave the variable out, or give sqlite+aiosqlite:///PATH or postgresql+asyncpg://USER@HOST/NAME",
        ],
        {"OUTRIDER_DATABASE_URL": "mysql+asyncmy://127.0.0.1/outrider"},
    ),
    "PostgreSQL does not answer": Case(
        "list",
        3,
        [
            "error: the database outrider at 127.0.0.1:9 does not answer",
            "hint: is the server running, and is OUTRIDER_DATABASE_URL right?",
        ],
        {"OUTRIDER_DATABASE_URL": "postgresql+asyncpg://dana:hidden@127.0.0.1:9/outrider"},
    ),
    "a short key": Case(
        "list",
        2,
        ["error: OUTRIDER_SECRET_KEY is shorter than 16 characters", "hint: openssl rand -hex 32"],
        {"OUTRIDER_SECRET_KEY": "short"},
    ),
    "another key": Case(
        "list",
        2,
        [
            "error: OUTRIDER_SECRET_KEY is not the key this database was written with",
            "hint: give the old key back: with another one the suppression list recognises nobody",
        ],
        {"OUTRIDER_SECRET_KEY": "another key, and long enough"},
    ),
    "no such campaign": Case("show nope", 2, ["error: no campaign nope", "hint: outrider list"]),
    "no such campaign to take up": Case("report nope", 2, ["error: no campaign nope", "hint: outrider list"]),
    "an export of nothing": Case("export nope --what ledger", 2, ["error: no campaign nope", "hint: outrider list"]),
    "an export of what is not there": Case(
        "export nope --what replies",
        2,
        [
            (
                "error: invalid value for '--what': 'replies' is not one of 'leads', 'ledger', 'drafts', 'errors', "
                "'events', 'repositories'"
            ),
            "hint: outrider export --help",
        ],
    ),
    "an export onto a directory": Case(
        "export nope --what leads --out folder",
        2,
        ["error: --out: folder is a directory", "hint: --out folder/leads.csv"],
    ),
    "suppressing no address": Case(
        "suppress add kim@",
        2,
        ["error: kim@ is no address and no domain", "hint: kim@example.com or example.com"],
    ),
    "importing lines that are no addresses": Case(
        "suppress import wrong.txt",
        2,
        [
            "error: wrong.txt: line 2: nobody at all is no address and no domain",
            "error: wrong.txt: line 4: @example.com is no address and no domain",
        ],
    ),
    "importing a CSV without addresses": Case(
        "suppress import names.csv", 2, ["error: names.csv: there is no column email; it has name, company"]
    ),
    "importing a long text that is no address": Case(
        "suppress import long.csv",
        2,
        [f"error: long.csv: line 2: {'x' * 60} is no address and no domain"],
    ),
    "importing from a pipe": Case("suppress import pipe", 2, ["error: pipe: this is no regular file; save it as one"]),
    "a plan from a pipe": Case("plan pipe", 2, ["error: pipe: this is no regular file; save it as one"]),
    "a change at a digit that is none": Case(
        "plan campaign.yaml --set sequence.².subject=x",
        2,
        ["error: --set: sequence.².subject: there is no such field; see docs/reference/spec.md"],
    ),
    "resuming a mailbox nobody knows": Case(
        "mailbox resume news", 2, ["error: no mailbox news was used or stopped", "hint: outrider mailbox list"]
    ),
    "a file that is there already": Case(
        "init campaign.yaml",
        2,
        [
            "error: campaign.yaml exists already and was left as it is",
            "hint: name another file: outrider init FILE",
        ],
    ),
    "a Temporal elsewhere": Case(
        "up",
        2,
        [
            (
                "error: TEMPORAL_ADDRESS leads to another Temporal, so the commands would not see the one that "
                "`outrider up` starts"
            ),
            "hint: unset it, or run `outrider worker` and `outrider web` for that Temporal",
        ],
        {"TEMPORAL_ADDRESS": "127.0.0.1:9"},
    ),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[CompletedProcess[str], list[str]]]:
    """What every case's process answered, and what it should say; they run side by side to save time."""
    directory = tmp_path_factory.mktemp("refusals")
    outrider = CommandLine(directory)
    (directory / "folder").mkdir()
    shutil.copy(GITHUB_EXAMPLE, directory / "github.yaml")
    for command in (["init"], ["migrate"], ["suppress", "list"]):
        outrider(*command).check_returncode()
    nobody = "email,consented_at,consent_source,plan\nnobody,,,\n,,,free\n"
    (directory / "nobody.csv").write_text(nobody, encoding="utf-8")
    (directory / "wrong.txt").write_text(
        "kim@example.com\nnobody at all\nexample.org\n@example.com\n", encoding="utf-8"
    )
    (directory / "long.csv").write_text(f"name,email\nKim,{'x' * 140_000}\n", encoding="utf-8")
    os.mkfifo(directory / "pipe")
    (directory / "names.csv").write_text("name,company\nKim,Example\n", encoding="utf-8")
    places = {"home": str(outrider.home), "other": str(directory / "other")}

    def answer(case: Case) -> tuple[CompletedProcess[str], list[str]]:
        arguments = case.command.split("|" if "|" in case.command else " ")
        variables = {name: value.format(**places) for name, value in case.variables.items()}
        return outrider(*arguments, **variables), [line.format(**places) for line in case.lines]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(CASES, pool.map(answer, CASES.values()), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_command_ends_with_a_clear_line_and_its_exit_code(
    name: str, answers: dict[str, tuple[CompletedProcess[str], list[str]]]
) -> None:
    done, lines = answers[name]
    assert done.stderr.splitlines() == lines
    assert done.returncode == CASES[name].code
    assert done.stdout == ""


@pytest.mark.parametrize("group", [[], ["suppress"], ["mailbox"]])
def test_the_list_of_commands_has_whole_sentences_in_80_columns(
    group: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert execute([*group, "--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert listed
    for line in listed:
        assert line.endswith(".")
        assert not line.endswith("..")
        assert line[:3].strip(), "one line for each"


def test_without_arguments_it_says_what_it_can_do_and_nothing_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([]) == 0
    listed = [
        line.split()[0] for line in capsys.readouterr().out.partition("Commands:")[2].splitlines() if line.strip()
    ]
    promised = (
        "init plan run list show monitor report errors events pause resume cancel drafts review approve reject edit "
        "retry resolve export suppress mailbox doctor up worker web migrate"
    )
    assert sorted(listed) == sorted(promised.split())
