"""Who is on the suppression list is found there under every spelling of their address, and nobody else is."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from raw_rows import execute, is_postgres, path_of, rows

from storage.database import Database
from storage.keys import Keys
from storage.suppression import SuppressionList


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    yield made
    await made.close()


@pytest.fixture
def suppressions(database: Database) -> SuppressionList:
    return SuppressionList(database, Keys("a secret of the tests, long enough"))


def all_bytes(url: str) -> bytes:
    """Whatever is in the files of the database, or in its table."""
    if is_postgres(url):
        return repr(rows(url, "SELECT * FROM suppressions")).encode()
    return b"".join(path.read_bytes() for path in path_of(url).parent.iterdir())


async def test_adding_says_how_many_were_new(suppressions: SuppressionList) -> None:
    assert await suppressions.add([], "asked", "a person") == 0
    assert await suppressions.add(["ada@example.com", "bo@example.com", "ADA@example.com"], "asked", "a person") == 2
    assert await suppressions.add(["ada@example.com", "cy@example.com"], "asked", "a person") == 1
    assert len(await suppressions.all()) == 3


async def test_the_first_reason_stays(suppressions: SuppressionList) -> None:
    before = datetime.now(UTC)
    await suppressions.add(["ada@example.com"], "complained", "the phone")
    await suppressions.add(["ada@example.com"], "imported", "old-list.csv")
    (entry,) = await suppressions.check("ada@example.com")
    assert (entry.kind, entry.reason, entry.source) == ("address", "complained", "the phone")
    assert abs((entry.since - before).total_seconds()) < 10


async def test_who_is_not_on_the_list_is_not_found(suppressions: SuppressionList) -> None:
    await suppressions.add(["ada@example.com", "example.org"], "asked", "a person")
    assert await suppressions.check("bo@example.com") == []
    assert await suppressions.check("ada@example.net") == []
    assert await suppressions.check("example.com") == []


async def test_removing(suppressions: SuppressionList) -> None:
    await suppressions.add(["ada@example.com", "example.org"], "asked", "a person")
    assert await suppressions.remove(" Ada@Example.com ")
    assert not await suppressions.remove("ada@example.com")
    assert await suppressions.check("ada@example.com") == []
    assert await suppressions.remove("EXAMPLE.org")
    assert await suppressions.all() == []


async def test_an_address_stays_suppressed_by_its_domain(suppressions: SuppressionList) -> None:
    await suppressions.add(["ada@example.org", "example.org"], "asked", "a person")
    assert {entry.kind for entry in await suppressions.check("ada@example.org")} == {"address", "domain"}
    await suppressions.remove("ada@example.org")
    assert [entry.kind for entry in await suppressions.check("ada@example.org")] == ["domain"]


@pytest.mark.parametrize(
    ("entry", "found", "not_found"),
    [
        pytest.param("Ada.B@Example.COM", "ada.b@example.com", "adab@example.com", id="case matters nowhere, dots do"),
        pytest.param("ada+news@example.com", "ADA+News@example.com", "ada@example.com", id="a tag is part of it"),
        pytest.param("ada@example.com", " ada@example.com\n", "ada+news@example.com", id="without its tags"),
        pytest.param("ada@bücher.example", "ada@xn--bcher-kva.example", "ada@bucher.example", id="IDN, to ASCII"),
        pytest.param("ada@XN--BCHER-KVA.example", "ada@BÜCHER.example", "ada@bucher.example", id="IDN, from ASCII"),
        pytest.param("ａda@example.com", "ada@example.com", "da@example.com", id="full width"),  # noqa: RUF001
        pytest.param("ada＠example.com", "ada@example.com", "bo@example.com", id="full-width @"),  # noqa: RUF001
    ],
)
async def test_an_address_is_found_under_its_spellings(
    suppressions: SuppressionList, entry: str, found: str, not_found: str
) -> None:
    await suppressions.add([entry], "asked", "a person")
    assert [one.kind for one in await suppressions.check(found)] == ["address"]
    assert await suppressions.check(not_found) == []


@pytest.mark.parametrize("entry", ["example.org", "EXAMPLE.org", " example.org ", "@example.org", "＠example.org"])  # noqa: RUF001
async def test_a_domain_suppresses_every_address_there(suppressions: SuppressionList, entry: str) -> None:
    await suppressions.add([entry], "customers", "a person")
    for address in ("ada@example.org", "ada+tag@example.org", "ADA@Example.Org", "a.d.a@example.org"):
        assert [one.kind for one in await suppressions.check(address)] == ["domain"]
    for domain in ("example.org", "@example.org"):
        assert [one.kind for one in await suppressions.check(domain)] == ["domain"]
    for other in ("ada@example.com", "ada@notexample.org", "example.org@example.com"):
        assert await suppressions.check(other) == []


async def test_a_domain_in_its_own_script_is_found_in_ascii(suppressions: SuppressionList) -> None:
    await suppressions.add(["Bücher.example"], "customers", "a person")
    assert [one.kind for one in await suppressions.check("ada@xn--bcher-kva.example")] == ["domain"]


async def test_a_large_import_is_one_transaction(suppressions: SuppressionList) -> None:
    entries = [f"person{number}@example.com" for number in range(20_000)]
    assert await suppressions.add([*entries, *entries[:100]], "imported", "old-list.csv") == 20_000
    assert await suppressions.add(entries, "imported", "old-list.csv") == 0
    assert len(await suppressions.check("person19999@example.com")) == 1


async def test_the_list_begins_with_the_newest(suppressions: SuppressionList, database_url: str) -> None:
    for day, reason in ((2, "second"), (3, "third"), (1, "first")):
        await suppressions.add([f"{reason}@example.com"], reason, "a person")
        execute(database_url, "UPDATE suppressions SET since = ? WHERE reason = ?", day * 86_400_000, reason)
    assert [entry.reason for entry in await suppressions.all()] == ["third", "second", "first"]


async def test_the_list_keeps_no_address(suppressions: SuppressionList, database_url: str) -> None:
    await suppressions.add(["ada@example.com", "secret-customer.example"], "asked", "a person")
    kept = all_bytes(database_url)
    (address,) = await suppressions.check("ada@example.com")
    assert address.identity.encode() in kept, "the search looks where rows are"
    assert b"ada@" not in kept
    assert b"secret-customer" not in kept


async def test_another_key_recognises_nobody(suppressions: SuppressionList, database: Database) -> None:
    """Why storage.secret_key refuses to work with one."""
    await suppressions.add(["ada@example.com"], "asked", "a person")
    assert await SuppressionList(database, Keys("another secret, just as long")).check("ada@example.com") == []
