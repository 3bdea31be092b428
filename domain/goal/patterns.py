"""The patterns that a goal is read with. All take whole words, from a text as `domain.goal.text` writes it."""

import re
from collections.abc import Iterable

from domain.goal.numbers import NUMBER, WORDS
from domain.goal.vocabulary import (
    ALL_LANGUAGES,
    LANGUAGES,
    PROVIDERS,
    ROLES,
    STAGES,
    STOP_WORDS,
    TOPICS,
    UNITS,
)


def _whole(pattern: str, *, cased: bool = False) -> re.Pattern[str]:
    """A pattern for whole words. ASCII: no letter of another script passes for a capital of ours."""
    return re.compile(rf"(?<!\S){pattern}(?!\S)", re.ASCII if cased else re.ASCII | re.IGNORECASE)


def _any(names: Iterable[str]) -> str:
    """One of the names, the longest first; a blank in a name may be written as a hyphen."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return "(?:" + "|".join(re.escape(name).replace("\\ ", "[ -]") for name in ordered) + ")"


def _none_of(names: Iterable[str]) -> str:
    return rf"(?!{_any(names)}(?!\S))"


_UNIT = rf"(?P<unit>{_any(UNITS)})s?"
_TIME = rf"(?P<number>[0-9]{{1,5}}|{_any(WORDS)})(?:[ -]?{_UNIT}|d)"
LENGTH = re.compile(f"{_TIME}|{_UNIT.replace('unit', 'one')}", re.ASCII | re.IGNORECASE)
_ANY_TIME, _ANY_UNIT = re.sub(r"\?P<\w+>", "?:", _TIME), f"{_any(UNITS)}s?"
_DOING = "(?:recently )?(?:active|activity|committed|commits|committing) "
_DURING = "(?:(?:in|within|over|during|for|of) )?(?:the )?"
_BACK = "(?:last|past|previous)"
WINDOW = _whole(
    rf"(?:(?:{_DOING})?{_DURING}{_BACK} {_ANY_TIME}|{_DOING}{_DURING}{_ANY_TIME}"
    rf"|(?:{_DOING})?within (?:the )?{_ANY_TIME}|{_ANY_TIME} activity(?: window)?"
    rf"|(?:{_DOING})?{_DURING}(?:this|{_BACK}) {_ANY_UNIT})"
)
_SPAN = rf"{_DURING}(?:(?:this|{_BACK}) )?(?:{_ANY_TIME}|{_ANY_UNIT})"
_IDLE = "(?:in-?active|(?:formerly|previously|once|rarely|hardly|less|least) active|dormant|abandoned|unmaintained)"
_LONGER = "(?:(?:more|longer) than |over |at least )?"
OTHER_TIME = _whole(
    rf"(?:(?:{_SPAN} )?{_IDLE}(?: {_SPAN})?"
    rf"|(?:{_DOING})?(?:before|until|till|prior to) {_SPAN}(?: ago)?|{_DOING}(?:before|until|till|prior to) [^,;]*"
    rf"|(?:{_DOING})?{_LONGER}(?:{_ANY_TIME}|(?:an? )?{_ANY_UNIT}) ago)"
)
"""Activity at another time than now, or none: a search cannot say so."""
ACTIVE = _whole("(?:(?:recently )?active|recently|activity)")
_LEAST = "(?:at least |over |more than |above |from |min(?:imum)?(?: of)? |(?:>=|≥|>) ?)"
_MOST = "(?:at most |under |below |fewer than |less than |up to |max(?:imum)?(?: of)? |(?:<=|≤|<) ?)"
_RANGE = (
    rf"(?:(?:between |from )?{NUMBER} (?:to|and|-|–) {NUMBER}|{NUMBER}(?:-|–|\.\.){NUMBER}|{NUMBER}\.\.|\.\.{NUMBER}"
    rf"|{_LEAST}{NUMBER}|{_MOST}{NUMBER}|{NUMBER}\+|{NUMBER} or (?:more|fewer|less)|{NUMBER})"
)
STARS = _whole(
    rf"(?:{_RANGE} (?:github )?stars?(?: (?:or (?:more|above|fewer|less|below)|and (?:up|below)))?|stars? {_RANGE})"
)
AT_MOST = re.compile(rf"{_MOST}{NUMBER}|\.\.[0-9]|(?:or|and) (?:fewer|less|below)", re.ASCII | re.IGNORECASE)
"""Of one number of stars: it is the highest."""
PROVIDER = _whole(rf"(?:via|through|using|with|by|over) (?P<name>{_any(PROVIDERS)})")
_AND = " (?:,|and|or|, and|, or) "
_NO_TOPIC = _none_of([*STOP_WORDS, *STAGES, *ROLES, *ALL_LANGUAGES])
NAMED_TOPICS = _whole(
    rf"(?:topics?|tagged|tags?)(?: (?:of|is|are|in))? {_none_of(STOP_WORDS)}[a-z0-9][a-z0-9-]{{0,49}}"
    rf"(?:{_AND}{_NO_TOPIC}(?!{NUMBER}(?!\S))(?-i:[a-z0-9][a-z0-9-]{{0,49}})(?= (?:,|;|and|or)(?!\S)|$))*"
)
ANY_LANGUAGE = _whole(_any(ALL_LANGUAGES))
NAMED_LANGUAGES = _whole(rf"languages? {_any(ALL_LANGUAGES)}(?:{_AND}{_any(ALL_LANGUAGES)})*")
_SUFFIX = "(?:-(?:based|related|focused|native))?"
LANGUAGE = _whole(f"(?P<name>{_any(LANGUAGES)}){_SUFFIX}")
SHORT_LANGUAGE = _whole(f"(?P<name>Go(?! (?:to|on|out|and|through|{_any(STAGES)})(?!\\S))|C|R){_SUFFIX}", cased=True)
LOWER_LANGUAGE = _whole(rf"(?P<name>go|c|r)(?= {_any(ROLES)}(?!\S))")
"""A short name in any letters, where nothing else can be meant."""
TOPIC = _whole(f"(?P<name>{_any(TOPICS)}){_SUFFIX}")
ROLE = _whole(f"(?P<name>{_any(ROLES)})")
STAGE = _whole(f"(?P<name>{_any(STAGES)})")
_NOT_ONE = "(?!one(?! (?:hundred|thousand|million)))"
COUNT = _whole(
    rf"(?:(?:up to|at most|roughly|about|around) )?~?{_NOT_ONE}(?P<name>{NUMBER})\+?"
    rf"(?! (?:{_ANY_UNIT}|stars?)(?!\S))"
)
