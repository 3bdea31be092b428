"""A goal in words, read without a model: how many of whom, where, how active; and the words that say nothing to us."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from domain.campaign import Stage, StarRange
from domain.campaign.audience import LONGEST_ACTIVITY, USUAL_ACTIVITY
from domain.campaign.values import MOST_STARS, Stars
from domain.goal_words import (
    ALL_LANGUAGES,
    COUNTRIES,
    LANGUAGES,
    NO_PLACES,
    NUMBERS,
    PROVIDERS,
    ROLES,
    STAGES,
    STOP_WORDS,
    TOPICS,
    UNITS,
)

_Read = TypeVar("_Read")


class Goal(BaseModel):
    """What a goal says. What it does not say is None or empty."""

    model_config = ConfigDict(frozen=True)

    text: str
    count: int | None = None
    languages: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """maintainers, contributors, developers. A search finds people who commit, whatever they are called."""
    active_within_days: int | None = None
    stars: Stars | None = None
    locations: tuple[str, ...] = ()
    provider: str | None = None
    stages: tuple[Stage, ...] = ()
    """What is to be done, in the order in which it is done."""
    understood: tuple[str, ...] = ()
    """The words that were read, those that change nothing too."""
    not_understood: tuple[str, ...] = ()
    """The other words. Each word of the text is in one of the two."""


def read_goal(text: str) -> Goal:
    """What `text` says; never raises.

    More than 500, over 500 and at least 500 stars are the same: 500 and up. A month has 30 days, a year 365; `active`
    without a time is the usual window. Of two numbers of people the first one counts, the other is not understood.
    """
    reader = _Reader(text)
    days = reader.one(_WINDOW, _window) or reader.one(_ACTIVE, lambda _: USUAL_ACTIVITY)
    reader.every(_ACTIVE)
    stars = reader.one(_STARS, _star_range)
    provider = reader.one(_PROVIDER, lambda found: found["name"].casefold())
    topics = [topic for found in reader.every(_NAMED_TOPICS) for topic in _listed(found)]
    named = [language for found in reader.every(_NAMED_LANGUAGES) for language in _ANY_LANGUAGE.findall(found[0])]
    languages = named + [found["name"] for found in reader.every(_LANGUAGE) + reader.every(_SHORT_LANGUAGE)]
    topics += [_meaning(found["name"], TOPICS) for found in reader.every(_TOPIC)]
    roles = reader.every(_ROLE)
    stages = {STAGES[found["name"].casefold()] for found in reader.every(_STAGE)}
    locations = reader.places()
    count = reader.one(_COUNT, lambda found: _number(found["name"]) or None)
    not_understood = reader.rest()
    return Goal(
        text=reader.text,
        count=count,
        languages=tuple(dict.fromkeys(_meaning(name, ALL_LANGUAGES) for name in languages)),
        topics=tuple(dict.fromkeys(topics)),
        roles=tuple(dict.fromkeys(ROLES[_key(found["name"], ROLES)] for found in roles)),
        active_within_days=days,
        stars=stars,
        locations=tuple(dict.fromkeys(locations)),
        provider=provider,
        stages=tuple(stage for stage in Stage if stage in stages),
        understood=tuple(reader.understood),
        not_understood=not_understood,
    )


def words(text: str) -> list[str]:
    """The words of a text, without the signs between them."""
    return [token for token in _tokens(text) if _LETTER.search(token)]


_TAKEN = "\0"
"""Stands where words have been read, so that what was apart stays apart."""
_SIGNS = ("<", ">", "<=", ">=", "≤", "≥", "-", "–")
_LETTER = re.compile(r"[^\W_]")
_TOKEN = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+[^\s,;:()/]*|[^\s,;:()\[\]{}\"“”„/!?&]+|[,;()/&]")


def _tokens(text: str) -> list[str]:
    found = (
        token if token.endswith("..") else token.rstrip(".'’") for token in _TOKEN.findall(text.replace(_TAKEN, " "))
    )
    return [token if _LETTER.search(token) or token in _SIGNS else "," for token in found]


def _whole(pattern: str, *, cased: bool = False) -> re.Pattern[str]:
    """A pattern for whole words. ASCII: no letter of another script passes for a capital of ours."""
    return re.compile(rf"(?<!\S){pattern}(?!\S)", re.ASCII if cased else re.ASCII | re.IGNORECASE)


def _any(names: Iterable[str]) -> str:
    """One of the names, the longest first; a blank in a name may be written as a hyphen."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return "(?:" + "|".join(re.escape(name).replace("\\ ", "[ -]") for name in ordered) + ")"


def _none_of(names: Iterable[str]) -> str:
    return rf"(?!{_any(names)}(?!\S))"


_N = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{1,9}(?:\.[0-9]{1,3})?)[km]?"
_UNIT = rf"(?P<unit>{_any(UNITS)})s?"
_TIME = rf"(?P<number>[0-9]{{1,5}}|{_any(NUMBERS)})(?:[ -]?{_UNIT}|d)"
_LENGTH = re.compile(f"{_TIME}|{_UNIT.replace('unit', 'one')}", re.ASCII | re.IGNORECASE)
_ANY_TIME, _ANY_UNIT = re.sub(r"\?P<\w+>", "?:", _TIME), f"{_any(UNITS)}s?"
_DOING = "(?:recently )?(?:active|activity|committed|commits|committing) "
_DURING = "(?:(?:in|within|over|during|for|of) )?(?:the )?"
_BACK = "(?:last|past|previous)"
_WINDOW = _whole(
    rf"(?:(?:{_DOING})?{_DURING}{_BACK} {_ANY_TIME}|{_DOING}{_DURING}{_ANY_TIME}"
    rf"|(?:{_DOING})?within (?:the )?{_ANY_TIME}|{_ANY_TIME} activity(?: window)?"
    rf"|(?:{_DOING})?{_DURING}(?:this|{_BACK}) {_ANY_UNIT})"
)
_ACTIVE = _whole("(?:(?:recently )?active|recently|activity)")
_LEAST = "(?:at least |over |more than |above |from |min(?:imum)?(?: of)? |(?:>=|≥|>) ?)"
_MOST = "(?:at most |under |below |fewer than |less than |up to |max(?:imum)?(?: of)? |(?:<=|≤|<) ?)"
_RANGE = (
    rf"(?:(?:between |from )?{_N} (?:to|and|-|–) {_N}|{_N}(?:-|–|\.\.){_N}|{_N}\.\.|\.\.{_N}|{_LEAST}{_N}|{_MOST}{_N}"
    rf"|{_N}\+|{_N} or more|{_N})"
)
_STARS = _whole(rf"(?:{_RANGE} (?:github )?stars?(?: (?:or more|and up|or above))?|stars? {_RANGE})")
_PROVIDER = _whole(rf"(?:via|through|using|with|by|over) (?P<name>{_any(PROVIDERS)})")
_AND = " (?:,|and|or|, and|, or) "
_NO_TOPIC = _none_of([*STOP_WORDS, *STAGES, *ROLES, *ALL_LANGUAGES])
_NAMED_TOPICS = _whole(
    rf"(?:topics?|tagged|tags?)(?: (?:of|is|are|in))? {_none_of(STOP_WORDS)}[a-z0-9][a-z0-9-]{{0,49}}"
    rf"(?:{_AND}{_NO_TOPIC}(?!{_N}(?!\S))(?-i:[a-z0-9][a-z0-9-]{{0,49}})(?= (?:,|and|or) |$))*"
)
_ANY_LANGUAGE = _whole(_any(ALL_LANGUAGES))
_NAMED_LANGUAGES = _whole(rf"languages? {_any(ALL_LANGUAGES)}(?:{_AND}{_any(ALL_LANGUAGES)})*")
_SUFFIX = "(?:-(?:based|related|focused|native))?"
_LANGUAGE = _whole(f"(?P<name>{_any(LANGUAGES)}){_SUFFIX}")
_SHORT_LANGUAGE = _whole(f"(?P<name>Go(?! (?:to|on|out|and|through|{_any(STAGES)})(?!\\S))|C|R){_SUFFIX}", cased=True)
_TOPIC = _whole(f"(?P<name>{_any(TOPICS)}){_SUFFIX}")
_ROLE = _whole(f"(?P<name>{_any(ROLES)})")
_STAGE = _whole(f"(?P<name>{_any(STAGES)})")
_COUNT = _whole(rf"(?:(?:up to|at most|roughly|about|around) )?~?(?P<name>{_N})\+?(?! (?:{_ANY_UNIT}|stars?)(?!\S))")


class _Reader:
    """A text of which pattern after pattern is taken away, until only what nobody understood is left."""

    def __init__(self, text: str) -> None:
        self.text = text.encode("utf-8", "replace").decode()
        self.understood: list[str] = []
        self._left = " ".join(_tokens(self.text))

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
            tokens[start:end] = [_TAKEN] * (end - start)
        self._left = " ".join(tokens)
        return places

    def rest(self) -> tuple[str, ...]:
        """The words that say nothing to us."""
        words = [token for token in self._left.split(" ") if _LETTER.search(token)]
        self.understood += (word for word in words if word.casefold() in STOP_WORDS)
        return tuple(word for word in words if word.casefold() not in STOP_WORDS)

    def _take(self, found: re.Match[str]) -> None:
        self.understood += (word for word in found[0].split(" ") if _LETTER.search(word))
        self._left = f"{self._left[: found.start()]}{_TAKEN}{self._left[found.end() :]}"


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
    return token[0].isalpha() and not token[0].islower() and word not in STOP_WORDS and word not in NO_PLACES


def _listed(found: re.Match[str]) -> list[str]:
    """The topics after the word topics."""
    return [word.casefold() for word in found[0].split(" ")[1:] if word != "," and word.casefold() not in STOP_WORDS]


def _key(word: str, known: Mapping[str, object]) -> str:
    plain = word.casefold()
    return plain if plain in known else plain.replace("-", " ")


def _meaning(word: str, known: Mapping[str, str]) -> str:
    return known[_key(word, known)]


def _number(text: str) -> int | None:
    """2000 of `2k`, `2,000` or `2000`; None for what is no whole number."""
    plain = text.casefold().replace(",", "")
    value = float(plain.rstrip("km")) * {"k": 1_000, "m": 1_000_000}.get(plain[-1], 1)
    return int(value) if value.is_integer() else None


def _window(found: re.Match[str]) -> int | None:
    """Days; None for what is no window that a spec can have."""
    length = _LENGTH.search(found[0])
    if length is None:
        return None
    unit = (length["unit"] or length["one"] or "day").casefold()
    number = (length["number"] or "1").casefold()
    days = (NUMBERS.get(number) or int(number)) * UNITS[unit]
    return days if 1 <= days <= LONGEST_ACTIVITY else None


def _star_range(found: re.Match[str]) -> StarRange | None:
    numbers = [_number(number) for number in re.findall(_N, found[0], re.ASCII | re.IGNORECASE)]
    whole = [number for number in numbers if number is not None and number <= MOST_STARS]
    if len(whole) < len(numbers) or whole != sorted(whole):
        return None
    if len(whole) == 1 and re.search(rf"(?:{_MOST}|\.\.)[0-9]", found[0], re.ASCII | re.IGNORECASE):
        return StarRange(0, whole[0])
    return StarRange(*whole)
