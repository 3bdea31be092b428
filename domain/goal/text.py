"""A goal's text while it is read: what has been understood is taken away, until only the other words are left."""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from domain.goal.vocabulary import COUNTRIES, NEGATIONS, NO_PLACES, STOP_WORDS

_Read = TypeVar("_Read")

TAKEN = "\0"
"""Stands where words have been read, so that what was apart stays apart."""
END = ";"
_SIGNS = ("<", ">", "<=", ">=", "≤", "≥", "-", "–")
_LETTER = re.compile(r"[^\W_]")
_TOKEN = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+[^\s,;:()/]*|[^\s,;:()\[\]{}\"“”„/!?&]+|[,;()/&]")


class GoalText:
    """A text of which pattern after pattern is taken away, until only what nobody understood is left."""

    def __init__(self, text: str) -> None:
        self.text = text.encode("utf-8", "replace").decode()
        self.understood: list[str] = []
        self._negated: list[str] = []
        self._left = " ".join(self._without_negated(_tokens(self.text)))

    def one(self, pattern: re.Pattern[str], read: Callable[[re.Match[str]], _Read | None]) -> _Read | None:
        """Take the first place that `read` makes something of."""
        for found in pattern.finditer(self._left):
            value = read(found)
            if value is not None:
                self._take(found)
                return value
        return None

    def every(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        """Take all places."""
        found = list(pattern.finditer(self._left))
        for one in reversed(found):
            self._take(one)
        return found

    def leave(self, pattern: re.Pattern[str]) -> None:
        """Leave all places to the words that are not understood."""
        for found in reversed(list(pattern.finditer(self._left))):
            self._negated += _worded(found)
            self._replace(found)

    def places(self) -> list[str]:
        """Take what stands after `in`, `from` or `near` and looks like the name of a place, or before `-based`."""
        tokens, places = self._left.split(" "), []
        for start, token in enumerate(tokens):
            if token.endswith("-based") and _begins_place(token):
                places.append(token.removesuffix("-based"))
                end = start + 1
            elif token.casefold() in ("in", "from", "near"):
                found, end = _places(tokens, start + 1)
                places += found
                end = end if found else start
            else:
                continue
            self.understood += (word for word in tokens[start:end] if _LETTER.search(word))
            tokens[start:end] = [TAKEN] * (end - start)
        self._left = " ".join(tokens)
        return places

    def rest(self) -> tuple[str, ...]:
        """The words that say nothing to us."""
        left = [*self._negated, *(token for token in self._left.split(" ") if _LETTER.search(token))]
        self.understood += filter(_says_nothing, left)
        return tuple(word for word in left if not _says_nothing(word))

    def _without_negated(self, tokens: list[str]) -> Iterator[str]:
        """The tokens up to each negation and from the next comma on: what somebody does not want is not read."""
        negated = False
        for word in tokens:
            negated = word not in (",", END) and (
                negated or word.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") in NEGATIONS
            )
            if negated and _LETTER.search(word):
                self._negated.append(word)
            yield TAKEN if negated else word

    def _take(self, found: re.Match[str]) -> None:
        self.understood += _worded(found)
        self._replace(found)

    def _replace(self, found: re.Match[str]) -> None:
        self._left = f"{self._left[: found.start()]}{TAKEN}{self._left[found.end() :]}"


def words(text: str) -> list[str]:
    """The words of a text, without the signs between them."""
    return [token for token in _tokens(text) if _LETTER.search(token)]


def _tokens(text: str) -> list[str]:
    """Words, signs that compare, END for the end of a sentence, and a comma for everything else that parts words."""
    found: list[str] = []
    for token in _TOKEN.findall(text.replace(TAKEN, " ")):
        word = token if token.endswith("..") else token.rstrip(".'’")
        found.append(word if _LETTER.search(word) or word in _SIGNS else END if token == END else ",")
        if token.endswith(".") and word != token:
            found.append(END)
    return found


def _worded(found: re.Match[str]) -> Iterator[str]:
    return (word for word in found[0].split(" ") if _LETTER.search(word))


def _places(tokens: list[str], at: int) -> tuple[list[str], int]:
    """The places from `at` on, and where they end: `Germany`, `Toronto , Canada`, `Berlin or Paris`."""
    places: list[str] = []
    end = at
    while True:
        name, after = _place(tokens, at)
        if not name:
            return places, end
        if name.casefold() not in COUNTRIES and tokens[after : after + 1] == [","]:
            country, after_country = _place(tokens, after + 1)
            if country:
                name, after = f"{name}, {country}", after_country
        places.append(name)
        end = after
        at = end
        while at < len(tokens) and tokens[at] in (",", "and", "or"):
            at += 1
        if at == end:
            return places, end


def _place(tokens: list[str], at: int) -> tuple[str, int]:
    """The name of a place at `at` and where it ends; "" = there is none."""
    start = at + 1 if tokens[at : at + 1] == ["the"] else at
    end = start
    while end < len(tokens) and _begins_place(tokens[end]):
        end += 1
    return " ".join(tokens[start:end]), end


def _begins_place(token: str) -> bool:
    word = token.casefold()
    if word in COUNTRIES:
        return True
    capital = token[:1].isalpha() and not token[:1].islower()
    return capital and not _says_nothing(token) and word not in NO_PLACES


def _says_nothing(token: str) -> bool:
    """Whether it is a stop word; US and IT in capitals are none."""
    return token.casefold() in STOP_WORDS and token not in ("US", "IT")
