# ruff: noqa: E501 a message stands on one line here because it does for the person who reads it
"""Every row of a lead file becomes a lead or is rejected with its line number and the reason."""

import csv
import hashlib
import io
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.lead_file import KNOWN_COLUMNS, ImportedLead, LeadFile, LeadFileMistakes, column_name, read_leads
from domain.campaign import CsvAudience
from domain.lead import normalise_address


@pytest.fixture
def leads_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the file is, as people name it."""
    monkeypatch.chdir(tmp_path)
    return Path("leads.csv")


def read(path: Path, content: str | bytes, **audience: Any) -> LeadFile:  # noqa: ANN401 the fields of a spec
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_leads(path, CsvAudience.model_validate({"source": "csv", **audience}))


def refused(path: Path, content: str | bytes, **audience: Any) -> list[str]:  # noqa: ANN401 the fields of a spec
    with pytest.raises(LeadFileMistakes) as mistakes:
        read(path, content, **audience)
    return str(mistakes.value).split("\n")


def test_a_row_becomes_a_lead(leads_csv: Path) -> None:
    content = (
        "Email,name,Company,location,timezone,Permission_Basis,Consented At,plan\n"
        " kim@example.com ,Kim Example,Example Labs,Berlin,Europe/Berlin,Consent,2026-10-02,\n"
        "robin@example.org\n"
    )
    file = read(leads_csv, content)
    assert file.leads == (
        ImportedLead(
            line=2,
            email="kim@example.com",
            name="Kim Example",
            company="Example Labs",
            location="Berlin",
            timezone="Europe/Berlin",
            permission_basis="consent",
            extra={"consented_at": "2026-10-02", "plan": ""},
        ),
        ImportedLead(line=3, email="robin@example.org", extra={"consented_at": "", "plan": ""}),
    )
    assert file.rejected == ()
    assert file.columns == (*KNOWN_COLUMNS, "consented_at", "plan")
    assert file.extra_columns == ("consented_at", "plan")
    assert file.sha256 == hashlib.sha256(content.encode()).hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        "email,plan\nkim@example.com,free\n",
        "email;plan\nkim@example.com;free\n",
        "email\tplan\nkim@example.com\tfree",
        "email,plan\r\nkim@example.com,free\r\n",
        "email,plan\rkim@example.com,free\r",
        "\n\nemail,plan,,\n\nkim@example.com,free,,\n\n",
        "\ufeffemail,plan\nkim@example.com,free\n",
        '"email","plan"\n"kim@example.com","free"\n',
    ],
)
def test_files_of_other_programs_are_welcome(leads_csv: Path, content: str) -> None:
    file = read(leads_csv, content)
    assert [(lead.email, lead.extra) for lead in file.leads] == [("kim@example.com", {"plan": "free"})]
    assert file.rejected == ()


def test_columns_are_mapped_without_case(leads_csv: Path) -> None:
    columns = {"email": "e-mail address", "name": "Contact", "consented_at": "Opt-in"}
    file = read(leads_csv, "E-Mail Address,contact,OPT-IN\nkim@example.com,Kim,2026\n", columns=columns)
    assert file.leads == (ImportedLead(line=2, email="kim@example.com", name="Kim", extra={"consented_at": "2026"}),)


@pytest.mark.parametrize(
    ("header", "name"), [("Plan Type", "plan_type"), (" E-Mail ", "e_mail"), ("Größe (m²)", "grosse_m2"), ("!?", "")]
)
def test_a_header_as_a_name_in_templates(header: str, name: str) -> None:
    assert column_name(header) == name


def test_line_numbers_count_the_files_lines_not_its_rows(leads_csv: Path) -> None:
    file = read(leads_csv, 'email,note\nkim@example.com,"one\r\ntwo"\n\nnobody,x\nrobin@example.com,y\n')
    assert [(lead.line, lead.extra["note"]) for lead in file.leads] == [(2, "one\ntwo"), (6, "y")]
    assert [row.line for row in file.rejected] == [5]


def test_domains_of_every_script_are_written_to_in_ascii(leads_csv: Path) -> None:
    file = read(leads_csv, "email\nkim@bücher.example.com\nKim@xn--bcher-kva.example.com\n")
    assert [lead.email for lead in file.leads] == ["kim@xn--bcher-kva.example.com"]
    assert [str(row) for row in file.rejected] == ["line 3: email: same address as line 2"]


REJECTED = {
    "no address": (",Kim", "no_address", "email: is empty"),
    "nothing but commas": (",,,", "no_address", "email: is empty"),
    "no at": ("nobody,Kim", "invalid_address", 'email: "nobody" is no address: An email address must have an @-sign.'),
    "a name in brackets": (
        "Kim <kim@example.com>,Kim",
        "invalid_address",
        'email: "Kim <kim@example.com>" is no address: A display name and angle brackets around the email address are not permitted here.',
    ),
    "another script before the at": (
        "käthe@example.com,Kim",
        "invalid_address",
        "email: \"käthe@example.com\" is no address: Internationalized characters before the @-sign are not supported: 'ä'.",
    ),
    "a host without a dot": (
        "kim@localhost,Kim",
        "invalid_address",
        'email: "kim@localhost" is no address: The part after the @-sign is not valid. It should have a period.',
    ),
    "GitHub's stand-in": (
        "1+kim@users.noreply.github.com,Kim",
        "no_reply_address",
        'email: "1+kim@users.noreply.github.com" is not read by anybody',
    ),
    "a robot": ("No-Reply@example.com,Kim", "no_reply_address", 'email: "No-Reply@example.com" is not read by anybody'),
    "an excluded domain": (
        "kim@Example.NET,Kim",
        "excluded_domain",
        'email: "example.net" is excluded by audience.exclude.domains',
    ),
    "below an excluded domain": (
        "kim@mail.example.net,Kim",
        "excluded_domain",
        'email: "mail.example.net" is excluded by audience.exclude.domains',
    ),
    "the same address": ("KIM@example.com,Kim", "duplicate_address", "email: same address as line 2"),
    "a header in the address": (
        '"x@example.com\nBcc: y@example.com",Kim',
        "control_character",
        'email: a line break in "x@example.com Bcc: y@example.com"',
    ),
    "a header in the name": (
        'x@example.com,"Kim\r\nBcc: y"',
        "control_character",
        'name: a line break in "Kim  Bcc: y"',
    ),
    "a bell": ("x@example.com,Kim\a.", "control_character", 'name: the control character U+0007 in "Kim ."'),
    "text that runs backwards": (
        "x@example.com,\u202emik",
        "control_character",
        'name: the control character U+202E in " mik"',
    ),
    "a bell in a further column": (
        "x@example.com,Kim,,,a\ab",
        "control_character",
        'plan: the control character U+0007 in "a b"',
    ),
    "a long name": (f"x@example.com,{'x' * 501}", "too_long", "name: 501 characters; at most 500"),
    "a long address": (
        f"{'x' * 70}@example.com,Kim",
        "invalid_address",
        f'email: "{"x" * 57}…" is no address: The email address is too long before the @-sign (6 characters too many).',
    ),
    "a town": (
        "x@example.com,Kim,Berlin",
        "invalid_timezone",
        'timezone: "Berlin" is no IANA name of a time zone such as Europe/Berlin',
    ),
    "a basis of its own": (
        "x@example.com,Kim,,yes",
        "invalid_permission_basis",
        'permission_basis: "yes" is none of consent, existing_relationship, legitimate_interest',
    ),
    "too many cells": ("x@example.com,Example,Kim,,,x", "too_many_cells", "6 cells under 5 headers"),
    "a quote within quotes": (
        '"x"@example.com,Kim',
        "malformed_quotes",
        "something follows a closing quote; double a quote that is text",
    ),
}


@pytest.mark.parametrize(("row", "reason", "said"), REJECTED.values(), ids=REJECTED)
def test_a_row_that_cannot_be_used_is_rejected_with_its_line_and_reason(
    leads_csv: Path, row: str, reason: str, said: str
) -> None:
    content = f"email,name,timezone,permission_basis,plan\nkim@example.com,Kim\n{row}\nlast@example.com,Last\n"
    file = read(leads_csv, content, exclude={"domains": ["@Example.net"]})
    assert [lead.email for lead in file.leads] == ["kim@example.com", "last@example.com"]
    (rejected,) = file.rejected
    assert rejected.reason == reason
    assert str(rejected) == f"line 3: {said}"


UNUSABLE: dict[str, tuple[str | bytes, str]] = {
    "empty": ("\n\n", "the file is empty; it needs a header with at least a column email"),
    "a header only": ("email,name\n\n", "there is a header and no row below it; add the people"),
    "no e-mail": ("name,plan\nKim,free\n", 'column email: there is none; it has "name", "plan"'),
    "another word for it": (
        "Name,E-Mail\nKim,kim@example.com\n",
        'column email: there is none; it has "Name", "E-Mail"; if it is another one, write audience.columns: {email: "E-Mail"}',
    ),
    "twice": (
        "email,Plan,plan\nkim@example.com,a,b\n",
        'column plan: "Plan" and "plan" would both be plan; rename one, or map it under audience.columns',
    ),
    "no header": (
        "email,,plan\nkim@example.com,x,y\n",
        "column 2: there is no header; name it, or map it: audience.columns: {ours: theirs}",
    ),
    "a header without letters": (
        "email,姓\nkim@example.com,x\n",
        'column 2: the header "姓" has no letter from a to z; name it, or map it: audience.columns: {ours: theirs}',
    ),
    "a header with a stray quote": (
        '"email"x,name\nkim@example.com,Kim\n',
        "the quotes in the header do not pair up; fix them",
    ),
    "a quote that is never closed": (
        'email,name\nkim@example.com,Kim\nrobin@example.com,"Robin\nlast@example.com,Last\n',
        "line 3: a quote is opened here and closed in the wrong place or never; fix the quotes of this row",
    ),
    "a quote that is closed by another row's": (
        'email,name\nrobin@example.com,"Robin\nkim@example.com,Kim\nlast@example.com,"Last"\n',
        "line 2: a quote is opened here and closed in the wrong place or never; fix the quotes of this row",
    ),
    "an endless cell": (
        f'email,name\nkim@example.com,"{"x" * 140_000}',
        "line 2: a quote is opened here and closed in the wrong place or never; fix the quotes of this row",
    ),
    "an endless header": (f"email,{'x' * 140_000}\n", "column 2: a header of 140,000 characters; at most 500"),
    "Latin-1": (
        "email,name\nkim@example.com,Käthe\n".encode("latin-1"),
        "line 2: a character here is not UTF-8, perhaps Latin-1; save the file as UTF-8",
    ),
    "UTF-16": ("email\nkim@example.com\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
    "NUL": (b"email\nkim@example.com\0\n", "line 2: a NUL byte, so this is no text; save it as UTF-8 text"),
}


@pytest.mark.parametrize(("content", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_cannot_be_used_is_refused_with_one_line(leads_csv: Path, content: str | bytes, said: str) -> None:
    assert refused(leads_csv, content) == [f"leads.csv: {said}"]


def test_a_cell_that_is_far_too_long_costs_its_row_and_not_the_file(leads_csv: Path) -> None:
    file = read(leads_csv, f'email,name\nkim@example.com,"{"x" * 200_000}"\nrobin@example.org,Robin Sample\n')
    assert [lead.email for lead in file.leads] == ["robin@example.org"]
    assert [(row.line, row.reason, str(row)) for row in file.rejected] == [
        (2, "too_long", "line 2: name: 200,000 characters; at most 500")
    ]


def test_a_mapped_column_must_be_there(leads_csv: Path) -> None:
    columns = {"email": "Mail", "name": "Contact"}
    assert refused(leads_csv, "E-Mail,Full Name\nkim@example.com,Kim\n", columns=columns) == [
        'leads.csv: audience.columns.email: there is no column "Mail"; it has "E-Mail", "Full Name"',
        'leads.csv: audience.columns.name: there is no column "Contact"; it has "E-Mail", "Full Name"',
    ]


def test_a_mapped_column_does_not_hide_another(leads_csv: Path) -> None:
    assert refused(leads_csv, "email,work\nkim@example.com,kim@example.org\n", columns={"email": "work"}) == [
        'leads.csv: column email: "email" and "work" would both be email; rename one, or map it under audience.columns'
    ]


def test_a_file_that_is_not_there(leads_csv: Path) -> None:
    said = "leads.csv: there is no such file; name one with audience.file or --leads"
    with pytest.raises(LeadFileMistakes, match=f"^{said}$"):
        read_leads(leads_csv, CsvAudience(source="csv"))


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(LeadFileMistakes, match="this is a directory; name the file in it"):
        read_leads(tmp_path, CsvAudience(source="csv"))


def test_on_invalid_fail_refuses_the_file_with_the_first_twenty_rows(leads_csv: Path) -> None:
    content = "email\nkim@example.com\n" + "nobody\n" * 25
    assert len(read(leads_csv, content).rejected) == 25
    said = refused(leads_csv, content, on_invalid="fail")
    assert said[0] == 'leads.csv: line 3: email: "nobody" is no address: An email address must have an @-sign.'
    assert said[19].startswith("leads.csv: line 22: ")
    assert said[20:] == ["leads.csv: and 5 more like these"]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
ADDRESSES = st.sampled_from(
    ["kim@example.com", "KIM@EXAMPLE.COM", "robin@example.org", "x@sub.example.net", "nobody", ""]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(ADDRESSES, CELLS, CELLS), min_size=1, max_size=12))
def test_every_row_is_a_lead_or_rejected_and_nobody_is_there_twice(
    leads_csv: Path, rows: list[tuple[str, str, str]]
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("email", "name", "note"), *rows])
    file = read(leads_csv, text.getvalue(), exclude={"domains": ["example.net"]})
    assert len(file.leads) + len(file.rejected) == len(rows)
    lines = [lead.line for lead in file.leads] + [row.line for row in file.rejected]
    assert len(set(lines)) == len(rows)
    addresses = [normalise_address(lead.email) for lead in file.leads]
    assert len(set(addresses)) == len(addresses)
    assert not any(address.endswith("example.net") for address in addresses)


def test_fifty_thousand_rows_take_seconds(leads_csv: Path) -> None:
    rows = "".join(f"person{n}@d{n % 500}.example.com,Kim Example,Example Labs,free\n" for n in range(50_000))
    begun = time.perf_counter()
    file = read(leads_csv, f"email,name,company,plan\n{rows}")
    assert len(file.leads) == 50_000
    assert time.perf_counter() - begun < 10
