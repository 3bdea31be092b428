"""OpenTelemetry's variables as people type them: what is no value of one is said in a line and counts as left out.

The SDK and its exporters say some of it in lines of their own form and the rest not at all, and a few of them end the
process.
"""

import re
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from telemetry.switch import Refused

_OTLP = r"OTEL_EXPORTER_OTLP_(TRACES_|METRICS_)?"
_LONGEST_SECONDS = 3_600
_LONGEST_MILLISECONDS = 86_400_000
_MOST_WAITING = 1_000_000
_ATTRIBUTE = re.compile(r"[^=\s]+\s*=.*")
_HEADER = re.compile(r"[\w!#$%&'*+.^`|~-]+\s*=[ !#-+\--:<-\[\]-~]*", re.ASCII)
"""What the exporters' own pattern takes: neither quotes, nor a backslash, nor a semicolon."""


class _Form(NamedTuple):
    """What the variables of some names may say."""

    names: re.Pattern[str]
    fits: Callable[[str], bool]
    expected: str


def tidy_up(environment: MutableMapping[str, str]) -> list[Refused]:
    """Leave out what is blank, and the blanks around the rest; returns what said nothing anybody could obey."""
    refused = []
    for name, value in sorted(environment.items()):
        if not name.startswith("OTEL_"):
            continue
        said = value.strip()
        wrong = [Refused(name, form.expected) for form in _FORMS if form.names.fullmatch(name) and not form.fits(said)]
        if said and not wrong:
            environment[name] = said
            continue
        del environment[name]  # the SDK, its exporters and whatever this process starts find it not set
        refused += wrong if said else []
    return refused


def _one_of(names: str, *expected: str) -> _Form:
    return _Form(re.compile(names), lambda value: value.lower() in expected, ", ".join(expected))


def _number(names: str, least: float, most: float, expected: str) -> _Form:
    def fits(value: str) -> bool:
        try:
            return least <= float(value) <= most
        except ValueError:
            return False

    return _Form(re.compile(names), fits, expected)


def _count(names: str, least: int, most: int) -> _Form:
    def fits(value: str) -> bool:
        return value.isascii() and value.isdigit() and least <= int(value) <= most

    return _Form(re.compile(names), fits, f"{least} to {most}")


def _is_file(value: str) -> bool:
    try:
        return Path(value).is_file()
    except (OSError, ValueError):
        return False


def _pairs(names: str, pair: re.Pattern[str]) -> _Form:
    def fits(value: str) -> bool:
        pairs = [one.strip() for one in value.split(",") if one.strip()]
        return unquote(value).isprintable() and all(map(pair.fullmatch, pairs))

    return _Form(re.compile(names), fits, "name=value,name=value")


_FORMS = (
    _one_of("OTEL_SDK_DISABLED", "true", "false"),
    _number(f"{_OTLP}TIMEOUT", 0.001, _LONGEST_SECONDS, f"seconds, at most {_LONGEST_SECONDS}"),
    _one_of(f"{_OTLP}COMPRESSION", "gzip", "deflate", "none"),
    _Form(re.compile(f"{_OTLP}(CERTIFICATE|CLIENT_KEY|CLIENT_CERTIFICATE)"), _is_file, "a file"),
    _pairs(f"{_OTLP}HEADERS", _HEADER),
    _pairs("OTEL_RESOURCE_ATTRIBUTES", _ATTRIBUTE),
    _Form(re.compile("OTEL_SERVICE_NAME"), str.isprintable, "a name"),
    _one_of(
        "OTEL_TRACES_SAMPLER",
        *("always_on", "always_off", "traceidratio"),
        *("parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"),
    ),
    _number("OTEL_TRACES_SAMPLER_ARG", 0, 1, "0 to 1"),
    _count("OTEL_(SPAN_|EVENT_|LINK_)?(ATTRIBUTE|EVENT|LINK)_(COUNT|VALUE_LENGTH)_LIMIT", 0, _MOST_WAITING),
    _count("OTEL_BSP_MAX_QUEUE_SIZE", 1, _MOST_WAITING),
    _number("OTEL_METRIC_EXPORT_(INTERVAL|TIMEOUT)", 1, _LONGEST_MILLISECONDS, "milliseconds, at most a day"),
    _one_of("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative", "delta", "lowmemory"),
    _one_of(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        *("explicit_bucket_histogram", "base2_exponential_bucket_histogram"),
    ),
)
