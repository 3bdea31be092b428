# ruff: noqa: E501 a message stands on one line here because it does for the person who reads it
"""One clear line for every mistake in a spec, at its line and field, with the way out."""

import json
import os
import re
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.lead_file import read_leads
from client.spec_file import (
    SpecMistakes,
    json_schema,
    read_spec,
    reference_page,
    template_of_leads,
    template_of_new_spec,
)
from client.spec_file.document import parse
from client.spec_file.reference import fields
from domain.campaign import CampaignSpec, CsvAudience, TemplateMistake
from domain.permission import refusal

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "spec.md"
GITHUB_EXAMPLE = Path(__file__).parents[2] / "examples" / "github-campaign.yaml"
REGENERATE = (
    "docs/reference/spec.md is out of date: .venv/bin/python -c "
    "\"from client.spec_file import reference_page; print(reference_page(), end='')\" > docs/reference/spec.md"
)

SPEC = """\
version: 1
name: notes
owner: dana
goal: Send the notes
audience:
  source: csv
  columns: {email: email}
  exclude: {domains: [example.org], contacted_within_days: 0}
permission:
  basis: consent
sender:
  name: Dana Rivers
  reply_to: dana@example.com
offer: {product: Flakewatch, summary: notes, link: https://example.com/notes}
sequence:
  - subject: Notes
    body: |
      Hello,
      {{ offer.link }}
review: {mode: none}
sending:
  provider: smtp
  mailboxes:
    - {name: relay, address: news@example.com, pace: none}
  window: {days: mon-fri, from: "09:00", to: "17:00", timezone: UTC}
  not_after: 2027-02-28
"""


def wrong_specs() -> list[tuple[str, ...]]:
    """The blocks of wrong_specs.txt: what is taken out of SPEC (-), what is put there (+), and what is said of it."""
    blocks = (Path(__file__).parent / "wrong_specs.txt").read_text(encoding="utf-8").split("\n\n")
    kinds = (r"^- (.*)", r"^\+ ?(.*)", r"^(campaign.yaml.*)")
    return [tuple("\n".join(re.findall(kind, block, re.MULTILINE)) for kind in kinds) for block in blocks]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory people are in when they name campaign.yaml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mistakes(text: str | bytes, overrides: dict[str, str] | None = None) -> list[str]:
    """What is said of a spec, line by line; nothing when it is right."""
    path = Path("campaign.yaml")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        read_spec(path, overrides)
    except SpecMistakes as refused:
        return str(refused).split("\n")
    return []


@pytest.mark.usefixtures("directory")
def test_a_right_spec_is_taken() -> None:
    assert mistakes(SPEC) == []


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    "review",
    [
        "mode: all",
        "mode: all, deadline: 36h",
        "mode: sample, size: 10",
        "mode: sample, size: 1, seed: 2026, deadline: 2d",
    ],
)
def test_a_person_may_look_at_all_drafts_or_some(review: str) -> None:
    assert mistakes(SPEC.replace("mode: none", review)) == []


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("shares", ["bounces: 2%", "complaints: 0.1%", "bounces: 2.5 %, complaints: 0.05%"])
def test_a_campaign_may_say_when_it_pauses_itself(shares: str) -> None:
    assert mistakes(f"{SPEC}  pause_above: {{{shares}}}\n") == []


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(("written", "instead", "said"), wrong_specs())
def test_a_wrong_spec_is_refused_with_one_line_for_each_mistake(written: str, instead: str, said: str) -> None:
    assert SPEC.count(written) == 1
    assert "\n".join(mistakes(SPEC.replace(written, instead))) == said


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", ":1: the file is empty; a spec begins with version: 1 (outrider init writes one to start from)"),
    "comments": (
        b"# x\n",
        ":1: the file is empty; a spec begins with version: 1 (outrider init writes one to start from)",
    ),
    "a list": (
        b"- a\n",
        ":1: this is no group of fields; a spec begins with version: 1 (outrider init writes one to start from)",
    ),
    "UTF-16": (SPEC.encode("utf-16"), ": is UTF-16; save it as UTF-8"),
    "Latin-1": (
        SPEC.replace("Dana", "D\xe4na").encode("latin-1"),
        ":12: a character here is not UTF-8, perhaps Latin-1; save the file as UTF-8",
    ),
    "binary": (b"version: 1\n\0", ":2: a NUL byte, so this is no text; save it as UTF-8 text"),
    "a control character": (b"version: 1\ngoal: a\x01b\n", ":2: there is a control character; take it out"),
    "huge": (b"#" * 1_000_001, ": is larger than 1 MB; make it smaller"),
    "nested": (b"goal: " + b"[" * 5_000, ": brackets are nested too deeply; take some out"),
    "deep": (
        b"goal: " + b"[" * 30 + b"]" * 30,
        ":1: aliases or brackets make this too deep or too large; write the values out",
    ),
    "an alias of itself": (
        b"goal: &a [*a]",
        ":1: aliases or brackets make this too deep or too large; write the values out",
    ),
    "a bomb of aliases": (
        b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + b"".join(
            f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n".encode()
            for before, name in zip("abcde", "bcdef", strict=True)
        ),
        ":1: aliases or brackets make this too deep or too large; write the values out",
    ),
}


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(("content", "said"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_spec_is_refused_with_one_line(content: bytes, said: str) -> None:
    assert mistakes(content) == [f"campaign.yaml{said}"]


@pytest.mark.usefixtures("directory")
def test_a_file_that_is_not_there() -> None:
    with pytest.raises(SpecMistakes, match=r"^other.yaml: there is no such file; outrider init other.yaml writes one"):
        read_spec(Path("other.yaml"))


def test_a_directory_is_no_spec(directory: Path) -> None:
    with pytest.raises(SpecMistakes, match="this is a directory; name the file in it"):
        read_spec(directory)


@pytest.mark.parametrize("device", ["pipe", "/dev/zero"])
def test_what_is_no_regular_file_is_refused_at_once(directory: Path, device: str) -> None:
    os.mkfifo(directory / "pipe")
    with pytest.raises(SpecMistakes, match=f"^{device}: this is no regular file; save it as one$"):
        read_spec(Path(device))


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf" + SPEC.encode(), SPEC.replace("\n", "\r\n").encode()], ids=["BOM", "CRLF"]
)
def test_editors_of_other_systems_are_welcome(content: bytes) -> None:
    assert mistakes(content) == []


@pytest.mark.usefixtures("directory")
def test_all_mistakes_are_said_at_once_in_the_order_of_their_lines() -> None:
    wrong = SPEC.replace("owner: dana", "ownr: dana").replace("pace: none", "pace: 90s").replace("mon-fri", "mon-fry")
    assert [line.split(": ")[:2] for line in mistakes(wrong, {"goal": "[1]"})] == [
        ["campaign.yaml:1", "owner"],
        ["campaign.yaml:3", "ownr"],
        ["campaign.yaml:24", "sending.mailboxes.0.pace"],
        ["campaign.yaml:25", "sending.window.days"],
        ["--set", "goal"],
    ]


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    "instead",
    [
        "goal: smtp://dana:hunter2@example.com",
        "goal: [smtp://dana:hunter2@example.com]",
        "smtp_url: smtp://dana:hunter2@example.com",
        "password: hunter2",
        "dry_run: smtp://hunter2@example.com",
        "goal: 'smtp://dana:hunter2@example.com",
    ],
)
def test_a_secret_is_refused_and_not_repeated(instead: str) -> None:
    said = mistakes(SPEC.replace("goal: Send the notes", instead))
    assert said
    assert "hunter2" not in "".join(said)


@pytest.mark.usefixtures("directory")
def test_a_secret_is_told_where_it_belongs() -> None:
    for mailbox, variable in (("relay", "RELAY"), ("No-Name", "<NAME>")):
        (said,) = (
            line
            for line in mistakes(
                SPEC.replace("goal: Send the notes", "password: x").replace("name: relay", f"name: {mailbox}")
            )
            if "password" in line
        )
        assert said.endswith(f"set OUTRIDER_MAILBOX_{variable}_SMTP_URL in the environment")


@given(st.text(max_size=60))
def test_whatever_is_written_gets_lines_or_values_and_never_a_traceback(text: str) -> None:
    try:
        parse(text, "campaign.yaml")
    except SpecMistakes as refused:
        assert re.fullmatch(r"campaign\.yaml(:\d+)?: [^\n]+", str(refused))  # noqa: PT017 either outcome is right


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    "name", ["owner", "sending.window.from", "audience.exclude.domains", "sending.deferred", "sequence"]
)
@pytest.mark.parametrize(
    "value", ["", "1", "no", "[x]", "{x: 1}", "2027-01-01", "10:00", "1e400", "0o7", ".inf", "~", "!!int x", "\a"]
)
def test_no_value_of_any_kind_leads_to_a_traceback(name: str, value: str) -> None:
    for line in mistakes(SPEC, {name: value}):
        assert line.startswith("--set: ")


@pytest.mark.usefixtures("directory")
def test_set_changes_a_field() -> None:
    path = Path("campaign.yaml")
    path.write_text(SPEC.replace("permission:\n  basis: consent\n", ""), encoding="utf-8")
    changes = {
        "sending.mailboxes.0.connections": "20",
        "sending.window.from": '"08:30"',
        "sending.deferred.first": "1s",
        "permission.basis": "consent",
        "goal": "",
        "dry_run": "true",
    }
    spec = read_spec(path, changes).spec
    assert spec.sending.mailboxes[0].connections == 20
    assert spec.sending.window.from_ == "08:30"
    assert spec.sending.deferred.first.total_seconds() == 1
    assert spec.permission is not None
    assert spec.goal is None
    assert spec.dry_run


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sending.mailboxs", "x", "sending.mailboxs: is no field; did you mean mailboxes?"),
        ("owner.name", "x", "owner.name: there is no such field; see docs/reference/spec.md"),
        (
            "sending.mailboxes.1.name",
            "x",
            "sending.mailboxes.1.name: there is no such field; see docs/reference/spec.md",
        ),
        (
            "sending.window.from",
            "09:00",
            "sending.window.from: 09:00 without quotes is read by YAML as the number 540; write '\"09:00\"'",
        ),
        ("sequence.².subject", "x", "sequence.².subject: there is no such field; see docs/reference/spec.md"),
        (
            "sequence.\u0660.subject",
            "x",
            "sequence.\u0660.subject: there is no such field; see docs/reference/spec.md",
        ),
        (
            f"sequence.{'9' * 5000}.subject",
            "x",
            f"sequence.{'9' * 5000}.subject: there is no such field; see docs/reference/spec.md",
        ),
        ("owner", "[a", "owner: the value is no YAML; put it in quotes"),
        ("owner", "!x a", "owner: the tag !x is not read here; take it out"),
        ("sending.provider", "resend", 'sending.provider: this version cannot do "resend" yet; write smtp'),
    ],
)
def test_a_wrong_set_is_refused(name: str, value: str, said: str) -> None:
    assert mistakes(SPEC, {name: value}) == [f"--set: {said}"]


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("value", ["false", "no", "", "0"])
def test_a_rehearsal_in_the_spec_cannot_be_turned_off(value: str) -> None:
    said = ["--set: dry_run: the spec says dry_run: true, which a flag cannot turn off; change the file"]
    assert mistakes(f"dry_run: true\n{SPEC}", {"dry_run": value}) == said


INLINE = "    body: |\n      Hello,\n      {{ offer.link }}\n"


def test_texts_in_files_of_their_own_are_in_the_spec(directory: Path) -> None:
    campaign = directory / "campaigns" / "campaign.yaml"
    campaign.parent.mkdir()
    (campaign.parent / "mail.txt.j2").write_bytes(b"Hello,\r\n{{ offer.link }}\r\n")
    (campaign.parent / "mail.html.j2").write_text("<p>Hello</p>", encoding="utf-8")
    campaign.write_text(
        SPEC.replace(INLINE, "    body_file: mail.txt.j2\n    html_file: mail.html.j2\n"), encoding="utf-8"
    )
    loaded = read_spec(campaign)
    (step,) = loaded.spec.sequence
    assert step.body == "Hello,\n{{ offer.link }}\n"
    assert step.html == "<p>Hello</p>"
    assert step.body_file == "mail.txt.j2"
    assert CampaignSpec.model_validate_json(loaded.spec.model_dump_json()) == loaded.spec
    (campaign.parent / "mail.txt.j2").write_text("Hello again", encoding="utf-8")
    assert read_spec(campaign).sha256 != loaded.sha256


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "campaign.yaml:17: sequence.0.body_file: mail.txt.j2: there is no such file"),
        (
            b"",
            'mail.txt.j2:1: sequence.0.body: must not be empty; for example body: "Hello {{ lead.name }},\\n\\n…\\n"',
        ),
        (
            b"a\n\xff",
            "campaign.yaml:17: sequence.0.body_file: mail.txt.j2, line 2: a character here is not UTF-8, perhaps Latin-1; save the file as UTF-8",
        ),
        (
            b"see https://dana:hunter2@example.com",
            "mail.txt.j2:1: sequence.0.body: holds an address with a login in it; take the login out and set OUTRIDER_MAILBOX_RELAY_SMTP_URL in the environment",
        ),
    ],
)
def test_a_text_file_that_cannot_be_used(directory: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (directory / "mail.txt.j2").write_bytes(content)
    assert mistakes(SPEC.replace(INLINE, "    body_file: mail.txt.j2\n")) == [said]


def test_the_lead_file_is_beside_the_spec(directory: Path) -> None:
    (directory / "campaign.yaml").write_text(
        SPEC.replace("source: csv", "source: csv\n  file: people.csv"), encoding="utf-8"
    )
    assert read_spec(directory / "campaign.yaml").leads_file == directory / "people.csv"
    (directory / "campaign.yaml").write_text(SPEC, encoding="utf-8")
    assert read_spec(directory / "campaign.yaml").leads_file is None


def unknown_plan(spec: CampaignSpec, extra_columns: Collection[str]) -> list[TemplateMistake]:
    """A check like the writer's: finds `lead.extra.plan` in the texts of the first step when there is no such column."""
    texts = spec.sequence[0].model_dump(include={"subject", "body", "html"}, exclude_none=True)
    return [
        TemplateMistake(f"sequence.0.{field}", number, "there is no lead.extra.plan")
        for field, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if "lead.extra.plan" in line and "plan" not in extra_columns
    ]


TEMPLATES = {
    "literal block": (
        "    body: |\n\n      Hello,\n      {{ lead.extra.plan }}\n",
        "campaign.yaml:20: sequence.0.body: ",
    ),
    "folded block": (
        "    body: >\n      Hello,\n\n      {{ lead.extra.plan }}\n",
        "campaign.yaml:17: sequence.0.body: line 2 of the text: ",
    ),
    "quoted": ('    body: "{{ lead.extra.plan }}"\n', "campaign.yaml:17: sequence.0.body: "),
    "file": ("    body_file: mail.txt.j2\n", "mail.txt.j2:3: sequence.0.body: "),
}


@pytest.mark.parametrize(("text", "place"), TEMPLATES.values(), ids=TEMPLATES)
def test_a_mistake_in_a_template_is_said_at_its_line(directory: Path, text: str, place: str) -> None:
    (directory / "mail.txt.j2").write_text("Hello,\n\n{{ lead.extra.plan }}\n", encoding="utf-8")
    path = Path("campaign.yaml")
    path.write_text(SPEC.replace(INLINE, text), encoding="utf-8")
    with pytest.raises(SpecMistakes) as refused:
        read_spec(path, check_templates=unknown_plan)
    assert str(refused.value) == f"{place}there is no lead.extra.plan"
    loaded = read_spec(path, check_templates=unknown_plan, extra_columns=["plan"])
    with pytest.raises(SpecMistakes):
        loaded.check_templates(unknown_plan, ["company"])


def test_a_mistake_in_a_template_given_with_set(directory: Path) -> None:
    (directory / "campaign.yaml").write_text(SPEC, encoding="utf-8")
    with pytest.raises(SpecMistakes, match=r"^--set: sequence.0.subject: there is no lead.extra.plan$"):
        read_spec(
            Path("campaign.yaml"), {"sequence.0.subject": '"{{ lead.extra.plan }}"'}, check_templates=unknown_plan
        )


def test_what_init_writes_is_a_whole_campaign(directory: Path) -> None:
    (directory / "campaign.yaml").write_text(template_of_new_spec(), encoding="utf-8")
    (directory / "leads.csv").write_text(template_of_leads(), encoding="utf-8")
    loaded = read_spec(directory / "campaign.yaml")
    assert loaded.leads_file == directory / "leads.csv"
    assert isinstance(loaded.spec.audience, CsvAudience)
    leads = read_leads(directory / "leads.csv", loaded.spec.audience)
    assert len(leads.leads) == 2
    assert leads.rejected == ()
    assert "plan" in leads.extra_columns
    for lead in leads.leads:
        assert refusal(loaded.spec, lead.permission_basis, lead.extra) is None


def test_the_schema_for_editors_knows_the_file_not_only_the_stored_spec() -> None:
    schema = json_schema()
    step = schema["$defs"]["Step"]
    assert step["required"] == ["subject"]
    assert step["oneOf"] == [{"required": ["body"]}, {"required": ["body_file"]}]
    assert schema["$defs"]["Deferral"]["properties"]["first"]["default"] == "15m"
    assert "from" in schema["$defs"]["Window"]["properties"]
    assert json.loads(json.dumps(schema)) == schema


def test_the_schema_in_the_documentation_is_current() -> None:
    kept = REFERENCE.with_name("spec.schema.json").read_text(encoding="utf-8")
    assert kept == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", "write it anew from json_schema()"


def test_every_field_is_described_and_has_an_example() -> None:
    for field in fields():
        assert field.description, field.path
        assert field.example not in (None, {}), field.path


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("path", [field.path for field in fields()])
def test_every_example_is_right(path: str) -> None:
    whole = template_of_new_spec()
    example, sources = next((field.example, field.sources) for field in fields() if field.path == path)
    if "github" in sources:
        whole = GITHUB_EXAMPLE.read_text(encoding="utf-8")
    elif "repositories" in sources:
        whole = re.sub(
            r"(?<=source: )csv.*?(?=  exclude)", 'repositories\n  repositories: ""\n', whole, flags=re.DOTALL
        )
    if path.startswith("sequence.0.body"):
        whole = whole.replace("    body: |", f"    {path.rpartition('.')[2]}: |")
    if path == "sending.window.to":
        example = "17:00"
    if path == "permission.basis":
        example = "consent"
    if path == "review.size":
        whole = whole.replace("{mode: none}", "{mode: sample}")
    assert [line for line in mistakes(whole, {path: json.dumps(example)}) if "no such file" not in line] == []


def test_the_reference_page_is_current() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference_page(), REGENERATE
