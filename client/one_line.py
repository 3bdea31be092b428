"""Texts that people typed, made fit for a line of somebody else's screen."""


def one_line(text: str, longest: int) -> str:
    """`text` on one line of at most so many characters, without control characters."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:longest]
