"""Texts that people typed, made fit for a line of somebody else's screen."""

LONGEST_REASON = 200
"""Characters of the reason that is kept beside a decision."""

LONGEST_NAME = 60
"""Characters of the name that is kept beside it."""


def one_line(text: str, longest: int) -> str:
    """`text` on one line of at most so many characters, without control characters."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:longest]
