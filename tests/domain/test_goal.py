"""Goals in words: what they say, and that every word is either read or listed."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign import Stage, StarRange
from domain.goal import Goal, read_goal, words

DISCOVERY, PERSONALIZATION, SENDING = Stage.DISCOVERY, Stage.PERSONALIZATION, Stage.SENDING

GOLDEN: dict[str, dict[str, Any]] = {
    "Find 2k Python maintainers active in last 90 days": {
        "count": 2000,
        "languages": ("python",),
        "roles": ("maintainers",),
        "active_within_days": 90,
        "stages": (DISCOVERY,),
    },
    "Find 10k developers across ML ecosystem, personalize and send via Instantly": {
        "count": 10_000,
        "topics": ("machine-learning",),
        "roles": ("developers",),
        "provider": "instantly",
        "stages": (DISCOVERY, PERSONALIZATION, SENDING),
    },
    "Find 2000 Python maintainers": {
        "count": 2000,
        "languages": ("python",),
        "roles": ("maintainers",),
        "stages": (DISCOVERY,),
    },
    "Find active ML engineers": {
        "topics": ("machine-learning",),
        "roles": ("developers",),
        "active_within_days": 90,
        "stages": (DISCOVERY,),
    },
    "Find 200 Python maintainers active in the last 90 days, topic testing": {
        "count": 200,
        "languages": ("python",),
        "topics": ("testing",),
        "roles": ("maintainers",),
        "active_within_days": 90,
        "stages": (DISCOVERY,),
    },
    "Find 600 Python maintainers active in the last 90 days and offer the maintainer fund": {
        "count": 600,
        "languages": ("python",),
        "roles": ("maintainers",),
        "active_within_days": 90,
        "stages": (DISCOVERY, SENDING),
        "not_understood": ("fund",),
    },
    "Invite maintainers of Python testing tools to the Flakewatch beta": {
        "languages": ("python",),
        "topics": ("testing",),
        "roles": ("maintainers",),
        "stages": (SENDING,),
        "not_understood": ("Flakewatch", "beta"),
    },
    "Send the November release notes to everybody who subscribed to them": {
        "stages": (SENDING,),
        "not_understood": ("November", "release", "notes", "subscribed"),
    },
    "See who would be written to, with what, and how long it would take": {
        "not_understood": ("See", "what", "how", "long", "take")
    },
    "Find 1,500 Rust or Go developers based in Toronto, Canada or Germany with over 500 stars, active this year, "
    "topics: cli, compiler and parsers": {
        "count": 1500,
        "languages": ("rust", "go"),
        "topics": ("cli", "compiler", "parsers"),
        "roles": ("developers",),
        "active_within_days": 365,
        "stars": StarRange(500),
        "locations": ("Toronto, Canada", "Germany"),
        "stages": (DISCOVERY,),
    },
}


@pytest.mark.parametrize(("text", "said"), GOLDEN.items(), ids=GOLDEN)
def test_a_goal_is_read_as_it_is_meant(text: str, said: dict[str, Any]) -> None:
    goal = read_goal(text)
    assert goal == Goal(text=text, understood=goal.understood, **said)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2k people", 2000),
        ("2K people", 2000),
        ("1.5k people", 1500),
        ("10k", 10_000),
        ("1m people", 1_000_000),
        ("2,000 people", 2000),
        ("up to 200 people", 200),
        ("~200 people", 200),
        ("200+ maintainers", 200),
        ("2 hundred people", 200),
        ("5 thousand people", 5000),
        ("1.5 thousand people", 1500),
        ("3 million people", 3_000_000),
        ("two hundred maintainers", 200),
        ("a thousand people", 1000),
        ("one hundred and fifty people", 150),
        ("two thousand five hundred people", 2500),
        ("twenty-five people", 25),
        ("twenty five people", 25),
        ("fifty maintainers", 50),
        ("and one more", None),
        ("active in the last thirty days", None),
        ("wait two hundred days", None),
        ("1.5 people", None),
        ("0 people", None),
        ("50% of people", None),
        ("wait 3 days", None),
        ("99999999999 people", None),
        ("python people", None),
        ("Python maintainers: 200", 200),
        ("write to 200 maintainers", 200),
        ("active in the last 90 days 200 people", 200),
        ("Python 3 maintainers", None),
        ("Invite maintainers to ExampleConf 2026", None),
        ("maintainers of 2026", None),
    ],
)
def test_how_many(text: str, count: int | None) -> None:
    assert read_goal(text).count == count


def test_only_the_first_of_two_numbers_is_understood() -> None:
    goal = read_goal("200 or 300 people")
    assert (goal.count, goal.not_understood) == (200, ("300",))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("active in last 90 days", 90),
        ("active in the last 90 days", 90),
        ("active within 30 days", 30),
        ("within the last 2 weeks", 14),
        ("last 3 months", 90),
        ("past six months", 180),
        ("in the past year", 365),
        ("active this year", 365),
        ("last thirty days", 30),
        ("this month", 30),
        ("last quarter", 90),
        ("commits in the last week", 7),
        ("active in the last 90d", 90),
        ("active for 90-days", 90),
        ("180-day activity window", 180),
        ("active", 90),
        ("recently active", 90),
        ("last 5000 days", None),
        ("last 0 days", None),
        ("send for 3 days", None),
    ],
)
def test_how_active(text: str, days: int | None) -> None:
    goal = read_goal(text)
    assert goal.active_within_days == days
    assert (goal.not_understood == ()) == (days is not None)


@pytest.mark.parametrize(
    ("text", "stars"),
    [
        ("over 500 stars", "500.."),
        ("more than 500 stars", "500.."),
        ("at least 1k stars", "1000.."),
        (">= 500 stars", "500.."),
        (">500 stars", "500.."),
        ("≥500 stars", "500.."),
        ("500+ stars", "500.."),
        ("500 or more stars", "500.."),
        ("500 stars or more", "500.."),
        ("500 GitHub stars", "500.."),
        ("with 2,500 stars", "2500.."),
        ("100 to 5000 stars", "100..5000"),
        ("between 100 and 5k stars", "100..5000"),
        ("100-5000 stars", "100..5000"),
        ("100 – 5000 stars", "100..5000"),
        ("stars 100..20000", "100..20000"),
        ("stars:100..20000", "100..20000"),
        ("stars 100..", "100.."),
        ("stars ..500", "0..500"),
        ("under 500 stars", "0..500"),
        ("500 stars or fewer", "0..500"),
        ("500 stars or less", "0..500"),
        ("500 or fewer stars", "0..500"),
        ("500 or less GitHub stars", "0..500"),
        ("500 stars and below", "0..500"),
        ("stars: 500 or fewer", "0..500"),
        ("5 thousand stars", "5000.."),
        ("at most two thousand stars", "0..2000"),
        ("between one hundred and two thousand stars", "100..2000"),
        ("one hundred and fifty stars or fewer", "0..150"),
        ("fewer than 500 stars", "0..500"),
        ("up to 500 stars", "0..500"),
        ("< 500 stars", "0..500"),
        ("5000 to 100 stars", None),
        ("no stars", None),
    ],
)
def test_how_many_stars(text: str, stars: str | None) -> None:
    goal = read_goal(f"maintainers, {text}")
    assert (str(goal.stars) if goal.stars else None) == stars
    assert goal.count is None or stars is None


@pytest.mark.parametrize(
    ("text", "locations"),
    [
        ("in Germany", ("Germany",)),
        ("in germany", ("germany",)),
        ("based in Toronto, Canada", ("Toronto, Canada",)),
        ("from New York", ("New York",)),
        ("in the Netherlands", ("Netherlands",)),
        ("in Germany and France", ("Germany", "France")),
        ("in Germany, France or Spain", ("Germany", "France", "Spain")),
        ("in San Francisco, California and near Berlin", ("San Francisco, California", "Berlin")),
        ("in Zürich", ("Zürich",)),
        ("in 東京", ("東京",)),
        ("Berlin-based developers", ("Berlin",)),
        ("in Berlin, Python maintainers", ("Berlin",)),
        ("in Germany via SMTP", ("Germany",)),
        ("in Python", ()),
        ("in ML", ()),
        ("in the last 90 days", ()),
        ("in the US or the UK", ("US", "UK")),
        ("for us", ()),
        ("in Berlin. Personal notes follow", ("Berlin",)),
        ("in November", ()),
        ("in hamburg", ()),
        ("in Q3", ()),
    ],
)
def test_where(text: str, locations: tuple[str, ...]) -> None:
    assert read_goal(text).locations == locations


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("Python and JS", ("python", "javascript")),
        ("C++, C# or F#", ("c++", "c#", "f#")),
        ("Python/Rust", ("python", "rust")),
        ("Go maintainers", ("go",)),
        ("golang devs", ("go",)),
        ("go maintainers", ("go",)),
        ("1.5k go devs", ("go",)),
        ("r developers", ("r",)),
        ("go and find maintainers", ()),
        ("Go to Germany", ()),
        ("C developers", ("c",)),
        ("languages: go, c and python", ("go", "c", "python")),
        ("Jupyter-Notebook authors", ("jupyter notebook",)),
        ("Python-based projects", ("python",)),
        ("pythonic projects", ()),
    ],
)
def test_languages(text: str, languages: tuple[str, ...]) -> None:
    assert read_goal(text).languages == languages


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("ML", ("machine-learning",)),
        ("machine learning and Deep-Learning", ("machine-learning", "deep-learning")),
        ("CI/CD", ("ci", "cd")),
        ("topic parsers", ("parsers",)),
        ("topic:parsers", ("parsers",)),
        ("topics parsers, lexers and testing", ("parsers", "lexers", "testing")),
        ("topic parsers, Flakewatch beta", ("parsers",)),
        ("topic testing and send", ("testing",)),
        ("topic testing, python maintainers", ("testing",)),
        ("maintainers, topic testing, 200", ("testing",)),
    ],
)
def test_topics(text: str, topics: tuple[str, ...]) -> None:
    assert read_goal(text).topics == topics


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("not in Germany", ("not", "Germany")),
        ("without Docker or Go", ("without", "Docker", "Go")),
        ("excluding 20 bots", ("excluding", "20", "bots")),
        ("but no more than 50 stars", ("but", "no", "more", "than", "50", "stars")),
    ],
)
def test_what_somebody_does_not_want_is_never_searched(text: str, left: tuple[str, ...]) -> None:
    goal = read_goal(f"Find 200 Python people {text}, topic testing")
    told = goal.model_dump(exclude={"text", "understood", "not_understood"})
    plain = read_goal("Find 200 Python people, topic testing")
    assert told == plain.model_dump(exclude={"text", "understood", "not_understood"})
    assert goal.not_understood == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("inactive in the last 90 days", ("inactive", "last", "90", "days")),
        ("inactive for 2 years", ("inactive", "2", "years")),
        ("in the last 90 days inactive", ("last", "90", "days", "inactive")),
        ("inactive", ("inactive",)),
        ("formerly active", ("formerly", "active")),
        ("active before last year", ("active", "before", "last", "year")),
        ("before the last 2 years", ("before", "last", "2", "years")),
        ("active before 1 January 2024", ("active", "before", "1", "January", "2024")),
        ("active until last month", ("active", "until", "last", "month")),
        ("active more than 90 days ago", ("active", "more", "than", "90", "days", "ago")),
        ("last active a year ago", ("active", "year", "ago", "last")),
        (
            "who haven\N{RIGHT SINGLE QUOTATION MARK}t committed this year",
            ("haven\N{RIGHT SINGLE QUOTATION MARK}t", "committed", "year"),
        ),
        ("who haven't been active in the last 90 days", ("haven't", "active", "last", "90", "days")),
    ],
)
def test_activity_at_another_time_is_not_read_as_activity_now(text: str, left: tuple[str, ...]) -> None:
    goal = read_goal(f"Find 200 Python people {text}, topic testing")
    assert (goal.active_within_days, goal.not_understood) == (None, left)
    assert (goal.count, goal.languages, goal.topics) == (200, ("python",), ("testing",))


@pytest.mark.parametrize(
    ("text", "guessed"),
    [
        ("in FinTech", ("FinTech",)),
        ("from YC", ("YC",)),
        ("in Berlin or Germany", ("Berlin",)),
        ("in Toronto, Canada", ()),
        ("in the US", ()),
        ("in Python", ()),
    ],
)
def test_what_may_be_no_place_is_said_to_be_read_as_one(text: str, guessed: tuple[str, ...]) -> None:
    assert read_goal(text).guessed_places == guessed


PHRASES = ("200 maintainers", "Python", "active in the last 90 days", "topic parsers", "over 500 stars", "in Germany")


@given(st.permutations(PHRASES))
def test_the_order_of_its_parts_does_not_matter(order: list[str]) -> None:
    goal = read_goal(", ".join(order))
    told = goal.model_dump(exclude={"text", "understood"})
    assert told == read_goal(", ".join(PHRASES)).model_dump(exclude={"text", "understood"})
    assert (goal.count, goal.topics, goal.locations, goal.not_understood) == (200, ("parsers",), ("Germany",), ())


KNOWN = st.sampled_from(
    " ".join([*GOLDEN, *PHRASES, "via smtp – no US. not 3 weeks near New York - or .. >= C/C++ & 5k"]).split()
)
NONSENSE = st.from_regex(r"zq[a-z]{2,9}", fullmatch=True)


@given(st.text(max_size=200) | st.lists(KNOWN | NONSENSE | st.text(max_size=8), max_size=30).map(" ".join))
def test_every_word_is_either_understood_or_listed(text: str) -> None:
    goal = read_goal(text)
    assert Counter(goal.understood) + Counter(goal.not_understood) == Counter(words(text))


@given(st.lists(KNOWN, max_size=12), NONSENSE)
def test_a_word_that_nobody_knows_is_listed(known: list[str], nonsense: str) -> None:
    """At the end behind a comma with a neighbour, where no list of topics goes on."""
    assert read_goal(" ".join([*known, ",", nonsense, nonsense])).not_understood[-2:] == (nonsense, nonsense)


@given(st.lists(KNOWN | st.text(max_size=8), max_size=30).map(" ".join))
def test_what_is_read_can_be_stored(text: str) -> None:
    goal = read_goal(text)
    assert Goal.model_validate_json(goal.model_dump_json()) == goal


@given(st.text(st.characters(), max_size=50))
def test_no_text_is_too_odd(text: str) -> None:
    assert read_goal(f"\ud800{text}\0").text
