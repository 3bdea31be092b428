"""Numbers in a goal: `2,000`, `1.5k`, `2 hundred`, `two thousand five hundred`."""

import re
from collections.abc import Iterable

_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "k": 1_000, "m": 1_000_000}
_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_FROM_TEN = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
WORDS = {
    **{word: number for number, word in enumerate([*_ONES, *_FROM_TEN], start=1)},
    **{word: 10 * number for number, word in enumerate(_TENS, start=2)},
}
"""Numbers of one word, in small letters."""


def _one_of(words: Iterable[str]) -> str:
    return f"(?:{'|'.join(words)})"


_SMALL = (
    f"(?:{_one_of(_TENS)}(?:[ -]{_one_of(_ONES)})?|{_one_of(_FROM_TEN)}|{_one_of(_ONES)}"
    "|an?(?= (?:hundred|thousand|million)))"
)
_NO_MORE = "(?! (?:hundred|thousand|million))"
_HUNDREDS = f"{_SMALL}(?:[ -]hundred(?: (?:and )?{_SMALL}{_NO_MORE})?)?"
_IN_WORDS = f"{_HUNDREDS}(?:[ -](?:thousand|million)(?: (?:and )?{_HUNDREDS}{_NO_MORE})?)?"
_IN_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{1,9}(?:\.[0-9]{1,3})?)(?:[km]|(?: (?:hundred|thousand|million))+)?"
NUMBER = f"(?>{_IN_DIGITS}|{_IN_WORDS})"
"""One number, never a part of one: `two hundred` is no `two` where that would fit better."""


def number(text: str) -> int | None:
    """2000 of `2k`, `2,000`, `2 thousand` or `two thousand`; None for what is no whole number."""
    whole, part = 0.0, 0.0
    for word in re.findall(r"[0-9.]+|[a-z]+", text.casefold().replace(",", "")):
        if word in ("thousand", "million", "k", "m"):
            whole, part = whole + (part or 1) * _SCALES[word], 0.0
        elif word == "hundred":
            part = (part or 1) * _SCALES[word]
        elif word in WORDS:
            part += WORDS[word]
        elif word[0].isdigit():
            part += float(word)
    value = whole + part
    return int(value) if value.is_integer() else None
