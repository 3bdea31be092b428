"""Strangers' text is made harmless, paragraphs are reflowed, and the HTML part shows what the text says."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.writing.facts import clean, single_line
from providers.writing.html import linked, page_from_text, page_with_footer
from providers.writing.paragraphs import paragraphs, plain_text


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("  Dana \t Rivers ", "Dana Rivers"),
        ("Dana\r\nBcc: x@example.org", "Dana Bcc: x@example.org"),
        ("Da\u200bna\u202e Ri\u00advers\ufeff", "Dana Rivers"),
        ("Dana\x00\x1b[31m Rivers", "Dana[31m Rivers"),
        ("\uff24\uff41\uff4e\uff41\u00a0Rivers", "Dana Rivers"),
        ("<b>Dana</b> <script src=x>Rivers", "Dana Rivers"),
        ("<\u200bscript>Dana", "Dana"),
        ("3 < 4 > 2", "3 < 4 > 2"),
        ("\ud800Dana", "Dana"),
        ("Jürgen 👩‍🚀", "Jürgen 👩🚀"),
        ("{{ 7*7 }}", "{{ 7*7 }}"),
    ],
)
def test_a_field_of_one_line_is_readable_text(raw: str, kept: str) -> None:
    assert single_line(raw, 100) == kept


def test_a_free_column_keeps_its_lines_and_its_markup_as_text() -> None:
    assert clean("one\r\ntwo\u2028</p><script>\u200b\x07 \n", 300) == "one\ntwo\n</p><script>"


def test_fields_are_cut() -> None:
    assert single_line("x" * 101, 100) == "x" * 100
    assert len(clean("ﷺ" * 300, 300)) == 300


@given(raw=st.text())
def test_no_stranger_gets_a_control_or_invisible_character_in(raw: str) -> None:
    kept = single_line(raw, 100)

    assert kept.isprintable()
    assert kept == kept.strip()
    assert len(kept) <= 100
    assert unicodedata.is_normalized("NFKC", kept) or len(kept) == 100
    assert clean(raw, 300).replace("\n", "").isprintable()
    kept.encode()


def test_paragraphs_are_reflowed_and_lists_quotes_addresses_and_indented_lines_stay() -> None:
    body = (
        "A line that was broken\nin the file,   \nseveral times, flows again and is wrapped at seventy-two columns.\n"
        "\n\n\n"
        "Three things:\n- one\n- two that is longer than the seventy-two columns at which paragraphs are wrapped\n"
        "  continued\n> quoted\nhttps://example.com/" + "x" * 80 + "\n"
        "and then\nmore\n"
    )

    assert plain_text(paragraphs(body)) == (
        "A line that was broken in the file, several times, flows again and is\n"
        "wrapped at seventy-two columns.\n"
        "\n"
        "Three things:\n- one\n- two that is longer than the seventy-two columns at which paragraphs are wrapped\n"
        "  continued\n> quoted\nhttps://example.com/" + "x" * 80 + "\n"
        "and then more"
    )


def test_an_address_within_a_paragraph_is_never_broken() -> None:
    url = "https://example.com/a-long/address-with-hyphens/" + "y-" * 40

    assert url in plain_text(paragraphs(f"Please have a look at {url} when there is time."))


@given(body=st.text(alphabet="ab -\n>\thttps:/.", max_size=300))
def test_reflowing_loses_no_word_and_is_done_after_one_time(body: str) -> None:
    once = plain_text(paragraphs(body))

    assert once.split() == body.split()
    assert "\n\n\n" not in once


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ('a < b & "c"', "a &lt; b &amp; &quot;c&quot;"),
        (
            "https://example.com/?a=1&b=2",
            '<a href="https://example.com/?a=1&amp;b=2">https://example.com/?a=1&amp;b=2</a>',
        ),
        ("see https://example.com/a.", 'see <a href="https://example.com/a">https://example.com/a</a>.'),
        ("(http://example.com/b)", '(<a href="http://example.com/b">http://example.com/b</a>)'),
        ("https://example.com/c_(d)", '<a href="https://example.com/c_(d)">https://example.com/c_(d)</a>'),
        ('https://example.com/"onclick=x', '<a href="https://example.com/">https://example.com/</a>&quot;onclick=x'),
        ("javascript://x data:text/html ftp://example.com", "javascript://x data:text/html ftp://example.com"),
    ],
)
def test_only_web_addresses_become_links_and_everything_is_escaped(text: str, html: str) -> None:
    assert linked(text) == html


def test_the_page_keeps_kept_lines_apart() -> None:
    page = page_from_text(paragraphs("Hello\nthere,\n\n- one\n  two"), "<p>foot</p>")

    assert "<p>Hello there,</p>\n<p>- one<br>&nbsp;&nbsp;two</p>\n<p>foot</p>\n</body>" in page


@pytest.mark.parametrize(
    ("html", "page"),
    [
        ("<html><body><p>x</p></body></html>", "<html><body><p>x</p><p>foot</p>\n</body></html>"),
        ("<HTML><BODY>x</BODY ></HTML>", "<HTML><BODY>x<p>foot</p>\n</BODY ></HTML>"),
        ("<html><p>x</p>", "<html><p>x</p>\n<p>foot</p>\n"),
    ],
)
def test_a_whole_page_gets_the_footer_at_its_end(html: str, page: str) -> None:
    assert page_with_footer(html, "<p>foot</p>") == page


def test_a_part_of_a_page_becomes_one() -> None:
    page = page_with_footer("<h1>News</h1>", "<p>foot</p>")

    assert page.startswith("<!DOCTYPE html>")
    assert "<h1>News</h1>\n<p>foot</p>\n</body>" in page
