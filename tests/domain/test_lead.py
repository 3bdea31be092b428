"""Addresses are compared in one spelling, and nobody is greeted by something that is no name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lead import address_domain, first_name, normalise_address


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada@Example.COM ", "ada@example.com"),
        ("ada+news@example.com", "ada+news@example.com"),
        ("a.d.a@example.com", "a.d.a@example.com"),
        ("ada@bücher.example.com", "ada@xn--bcher-kva.example.com"),
        ("ada@XN--BCHER-KVA.example.com", "ada@xn--bcher-kva.example.com"),
        ("\uff41da@example.com", "ada@example.com"),
        ("STRASSE@example.com", "strasse@example.com"),
        ("straße@example.com", "strasse@example.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ("ada@a..example.com", "ada@a..example.com"),
    ],
)
def test_an_address_is_compared_in_one_spelling(written: str, compared: str) -> None:
    assert normalise_address(written) == compared


@given(st.emails())
def test_the_spelling_for_comparing_is_stable(email: str) -> None:
    once = normalise_address(email)
    assert normalise_address(once) == once
    assert normalise_address(email.upper()) == normalise_address(email.upper().lower())


@pytest.mark.parametrize(
    ("written", "domain"),
    [("Ada@Example.COM", "example.com"), ("ada@Bücher.example.com", "xn--bcher-kva.example.com"), ("nobody", "nobody")],
)
def test_a_domain_is_compared_in_one_spelling(written: str, domain: str) -> None:
    assert address_domain(written) == domain


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("Ada Lovelace", "Ada"),
        ("Jean-Luc O’Neill", "Jean-Luc"),
        ("Dr. Ada Lovelace", ""),
        ("A. Lovelace", ""),
        ("Ada M. Lovelace", "Ada"),
        ("Łukasz Żak", "Łukasz"),
        ("李 小龙", "李"),
        ("Ada", ""),
        ("", ""),
        ("ada99 lovelace", ""),
        ("Example Labs 2", ""),
        ("Ada_Lovelace Example", ""),
        ("the/hacker man", ""),
    ],
)
def test_only_what_looks_like_a_full_name_gives_a_first_name(name: str, greeted: str) -> None:
    assert first_name(name) == greeted
