"""What a goal says, read from its words."""

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from domain.campaign import Stage, StarRange
from domain.campaign.audience import LONGEST_ACTIVITY, USUAL_ACTIVITY
from domain.campaign.values import MOST_STARS, Stars
from domain.goal import patterns
from domain.goal.numbers import NUMBER, WORDS, number
from domain.goal.text import END, TAKEN, GoalText
from domain.goal.vocabulary import ALL_LANGUAGES, BEFORE_COUNT, COUNTRIES, ROLES, STAGES, STOP_WORDS, TOPICS, UNITS


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

    @property
    def guessed_places(self) -> tuple[str, ...]:
        """Locations that were read as a place for where they stand and for their capital: no country is named."""
        return tuple(place for place in self.locations if not _is_known(place))


def read_goal(text: str) -> Goal:
    """What `text` says; never raises.

    More than 500, over 500 and at least 500 stars are the same: 500 and up. A month has 30 days, a year 365; `active`
    without a time is the usual window. Of two numbers of people the first one counts, the other is not understood. What
    stands behind a negation is not understood, up to the next comma, and neither is activity at another time than now.
    """
    reader = GoalText(text)
    reader.leave(patterns.OTHER_TIME)
    days = reader.one(patterns.WINDOW, _window) or reader.one(patterns.ACTIVE, lambda _: USUAL_ACTIVITY)
    reader.every(patterns.ACTIVE)
    stars = reader.one(patterns.STARS, _star_range)
    count = reader.one(patterns.COUNT, _count)
    provider = reader.one(patterns.PROVIDER, lambda found: found["name"].casefold())
    topics = [topic for found in reader.every(patterns.NAMED_TOPICS) for topic in _listed(found)]
    named = reader.every(patterns.NAMED_LANGUAGES)
    languages = [language for found in named for language in patterns.ANY_LANGUAGE.findall(found[0])]
    for pattern in (patterns.LANGUAGE, patterns.SHORT_LANGUAGE, patterns.LOWER_LANGUAGE):
        languages += [found["name"] for found in reader.every(pattern)]
    topics += [_meaning(found["name"], TOPICS) for found in reader.every(patterns.TOPIC)]
    roles = reader.every(patterns.ROLE)
    stages = {STAGES[found["name"].casefold()] for found in reader.every(patterns.STAGE)}
    locations = reader.places()
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


def _is_known(place: str) -> bool:
    country = place.rpartition(",")[2].strip()
    return country.casefold() in COUNTRIES or country == "US"


def _listed(found: re.Match[str]) -> list[str]:
    """The topics after the word topics."""
    return [word.casefold() for word in found[0].split(" ")[1:] if word != "," and word.casefold() not in STOP_WORDS]


def _key(word: str, known: Mapping[str, object]) -> str:
    plain = word.casefold()
    return plain if plain in known else plain.replace("-", " ")


def _meaning(word: str, known: Mapping[str, str]) -> str:
    return known[_key(word, known)]


def _count(found: re.Match[str]) -> int | None:
    """None for a number that belongs to the word before it, as in Python 3 or in 2026."""
    before = found.string[: found.start()].rstrip().rpartition(" ")[2].casefold()
    return (number(found["name"]) or None) if before in ("", ",", END, TAKEN, *BEFORE_COUNT) else None


def _window(found: re.Match[str]) -> int | None:
    """Days; None for what is no window that a spec can have."""
    length = patterns.LENGTH.search(found[0])
    if length is None:
        return None
    unit = (length["unit"] or length["one"] or "day").casefold()
    many = (length["number"] or "1").casefold()
    days = (WORDS.get(many) or int(many)) * UNITS[unit]
    return days if 1 <= days <= LONGEST_ACTIVITY else None


def _star_range(found: re.Match[str]) -> StarRange | None:
    numbers = [number(one) for one in re.findall(rf"(?<![a-z]){NUMBER}", found[0], re.ASCII | re.IGNORECASE)]
    whole = [one for one in numbers if one is not None and one <= MOST_STARS]
    if len(whole) < len(numbers) or whole != sorted(whole):
        return None
    if len(whole) == 1 and patterns.AT_MOST.search(found[0]):
        return StarRange(0, whole[0])
    return StarRange(*whole)
