"""Traces, as far as the code that is traced sees them: this process's tracer, and the traces of windows.

Only the API is imported here. Without a tracer (`telemetry.setup` decides) everything below is a comparison with None.
"""

import functools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar, cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, Status, StatusCode, Tracer

from domain.errors import NotFound
from telemetry.names import Attribute, Command

_C = TypeVar("_C")
_P = ParamSpec("_P")
_R = TypeVar("_R")

Value = str | int | float | bool
Values = Mapping[Attribute, Value]


class TraceIds(NamedTuple):
    """Where something happened, as hex digits; None = nothing was traced."""

    trace_id: str | None = None
    span_id: str | None = None


class _Process:
    """What this process traces with."""

    tracer: Tracer | None = None


_UNKNOWN = "unknown"
"""Instead of an id that is none: whoever typed it may have typed an address."""

_process = _Process()
_about: ContextVar[Values | None] = ContextVar("_about", default=None)


def trace_with(tracer: Tracer | None) -> None:
    """Trace with this tracer from now on, None = not at all."""
    _process.tracer = tracer


def tracer() -> Tracer | None:
    """This process's tracer, None while nothing is traced."""
    return _process.tracer


def about() -> Values:
    """What the work in hand is tagged with: campaign, stage, window, attempt."""
    return _about.get() or {}


def plain(values: Values) -> dict[str, Value]:
    """The same for OpenTelemetry, which takes any name."""
    return dict(cast("Mapping[str, Value]", values))


def current_ids() -> TraceIds:
    """The trace and the span that this is called in."""
    if _process.tracer is None:
        return _NOWHERE
    here = trace.get_current_span().get_span_context()
    return _ids(here.trace_id, here.span_id) if here.is_valid else _NOWHERE


def failed(span: Span, error: BaseException) -> None:
    """Mark a span as failed by an error, of which only the type is told: its text may quote a person."""
    kind = type(error).__name__
    span.set_attribute(Attribute.ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, kind))


@contextmanager
def command(name: Command, campaign_id: str) -> Iterator[None]:
    """A span around what somebody asked of a campaign."""
    if _process.tracer is None:
        yield
        return
    with _process.tracer.start_as_current_span(
        name, attributes={Attribute.CAMPAIGN: campaign_id}, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except Exception as error:
            if isinstance(error, NotFound):
                span.set_attribute(Attribute.CAMPAIGN, _UNKNOWN)
            failed(span, error)
            raise


def commanded(
    name: Command,
) -> Callable[[Callable[Concatenate[_C, str, _P], Awaitable[_R]]], Callable[Concatenate[_C, str, _P], Awaitable[_R]]]:
    """Decorate a method that does what somebody asked of the campaign that is its first argument."""

    def decorate(
        method: Callable[Concatenate[_C, str, _P], Awaitable[_R]],
    ) -> Callable[Concatenate[_C, str, _P], Awaitable[_R]]:
        @functools.wraps(method)
        async def seen(self: _C, campaign_id: str, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            with command(name, campaign_id):
                return await method(self, campaign_id, *args, **kwargs)

        return seen

    return decorate


@contextmanager
def attempt(values: Values) -> Iterator[None]:
    """An activity's attempt: tags its span, and every span inside, with what it works on.

    A window's tool calls form a trace of their own, linked both ways with the attempt's span: a campaign's trace stays
    small enough to be opened however many people there are.
    """
    if _process.tracer is None:
        yield
        return
    outer = trace.get_current_span()
    for name, value in values.items():
        outer.set_attribute(name, value)
    tagged = _about.set(values)
    try:
        if Attribute.WINDOW in values and not _unsampled(outer):
            with _window(_process.tracer, outer, values):
                yield
        else:
            yield
    except Exception as error:
        outer.set_attribute(Attribute.ERROR_TYPE, type(error).__name__)
        raise
    finally:
        _about.reset(tagged)


@contextmanager
def _window(tracer: Tracer, outer: Span, values: Values) -> Iterator[None]:
    here = outer.get_span_context()
    with tracer.start_as_current_span(
        f"window.{values[Attribute.STAGE]}",
        context=Context(),
        links=[Link(here, {Attribute.LINK: "activity"})] if here.is_valid else [],
        attributes=plain(values),
        record_exception=False,
        set_status_on_exception=False,
    ) as root:
        outer.add_link(root.get_span_context(), {Attribute.LINK: "window"})
        try:
            yield
        except Exception as error:
            failed(root, error)
            raise


def _unsampled(span: Span) -> bool:
    """Whether a sampler has left this trace out: then its windows are left out too."""
    here = span.get_span_context()
    return here.is_valid and not here.trace_flags.sampled


@lru_cache(maxsize=1024)
def _ids(trace_id: int, span_id: int) -> TraceIds:
    return TraceIds(trace.format_trace_id(trace_id), trace.format_span_id(span_id))


_NOWHERE = TraceIds()
