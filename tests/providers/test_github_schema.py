"""The queries that are shipped are valid against GitHub's published schema, and against what the local GitHub runs."""

from pathlib import Path

import pytest
from graphql import build_schema, parse, validate
from published_schema import published_schema

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "providers" / "github"
QUERIES = sorted(FOLDER.glob("**/*.graphql"))
LOCAL = ROOT / "sandbox" / "github" / "schema.graphql"


def test_queries_are_found_where_they_are_shipped() -> None:
    assert bool(QUERIES) == FOLDER.exists()


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.name)
def test_a_shipped_query_is_valid_at_github(path: Path) -> None:
    assert [error.message for error in validate(published_schema(), parse(path.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.name)
def test_a_shipped_query_is_valid_at_the_local_github(path: Path) -> None:
    local = build_schema(LOCAL.read_text(encoding="utf-8"))
    assert [error.message for error in validate(local, parse(path.read_text(encoding="utf-8")))] == []


def test_a_wrong_query_is_told() -> None:
    wrong = parse("{ viewer { login shoeSize } }")
    assert [error.message for error in validate(published_schema(), wrong)] == [
        "Cannot query field 'shoeSize' on type 'User'."
    ]
