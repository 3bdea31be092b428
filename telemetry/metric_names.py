"""Names of our metrics, each with what it is. docs/reference/metrics.md lists them; dashboards and alerts ask by them.

A label has few values and never grows with campaigns or people: no campaign id, no lead number, nothing of a person.
"""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """How a figure changes."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Label(StrEnum):
    """What a metric is split by."""

    STAGE = "stage"
    OUTCOME = "outcome"
    STATE = "state"
    PROVIDER = "provider"
    MODEL = "model"
    DIRECTION = "direction"


class Direction(StrEnum):
    """Which way tokens go."""

    INPUT = "input"
    OUTPUT = "output"


class Metric(StrEnum):
    """The names, as Prometheus shows them too."""

    LEADS = "outrider_leads_total"
    MAILS = "outrider_messages_total"
    MESSAGES = "outrider_messages"
    TOOL_CALLS = "outrider_tool_calls_total"
    TOOL_CALL_DURATION = "outrider_tool_call_duration_seconds"
    TOKENS = "outrider_tokens_total"
    RATE_LIMIT = "outrider_rate_limit_remaining"
    IN_DOUBT = "outrider_in_doubt"
    UNEXPLAINED = "outrider_ledger_unexplained"
    MEMORY = "outrider_worker_memory_bytes"
    CPU = "outrider_worker_cpu_seconds_total"
    LAG = "outrider_event_loop_lag_seconds"
    SPANS_DROPPED = "outrider_spans_dropped_total"


class Form(NamedTuple):
    """What a metric is: `unit` as OpenTelemetry spells it."""

    kind: Kind
    unit: str
    labels: tuple[Label, ...]
    meaning: str


# A unit of "1" would end the names of gauges with `_ratio` in Prometheus: what is counted stands in braces.
FORMS = {
    Metric.LEADS: Form(Kind.COUNTER, "{lead}", (Label.STAGE, Label.OUTCOME), "leads that a stage is done with"),
    Metric.MAILS: Form(Kind.COUNTER, "{mail}", (Label.OUTCOME,), "transmissions, by the state they left a message in"),
    Metric.MESSAGES: Form(Kind.GAUGE, "{message}", (Label.STATE,), "messages in the ledger"),
    Metric.TOOL_CALLS: Form(Kind.COUNTER, "{call}", (Label.PROVIDER, Label.OUTCOME), "calls to something outside"),
    Metric.TOOL_CALL_DURATION: Form(Kind.HISTOGRAM, "s", (Label.PROVIDER, Label.OUTCOME), "how long they took"),
    Metric.TOKENS: Form(Kind.COUNTER, "{token}", (Label.MODEL, Label.DIRECTION), "tokens of model calls"),
    Metric.RATE_LIMIT: Form(Kind.GAUGE, "{point}", (Label.PROVIDER,), "what the rate limit leaves, over all tokens"),
    Metric.IN_DOUBT: Form(Kind.GAUGE, "{message}", (), "messages that nobody knows to be sent or not"),
    Metric.UNEXPLAINED: Form(Kind.GAUGE, "{message}", (), "messages whose state and confirmations disagree"),
    Metric.MEMORY: Form(Kind.GAUGE, "By", (), "resident memory of the process"),
    Metric.CPU: Form(Kind.COUNTER, "s", (), "processor time of the process"),
    Metric.LAG: Form(Kind.GAUGE, "s", (), "the latest that an event loop woke up since the last export"),
    Metric.SPANS_DROPPED: Form(Kind.COUNTER, "{span}", (), "spans that never reached a collector"),
}
