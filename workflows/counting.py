"""Leads that a stage is done with, as a metric: counted where the workflow counts them, and not again in replays."""

from collections.abc import Mapping

from temporalio import workflow

from domain.campaign import Stage
from telemetry.metric_names import FORMS, Label, Metric

_FORM = FORMS[Metric.LEADS]


def count_leads(stage: Stage, counts: Mapping[str, int]) -> None:
    """Numbers that a stage hands on, by outcome. It is Temporal's meter: it adds what it knows of the workflow."""
    counter = workflow.metric_meter().create_counter(Metric.LEADS, _FORM.meaning, _FORM.unit)
    for outcome, count in counts.items():
        counter.add(count, {Label.STAGE.value: stage.value, Label.OUTCOME.value: outcome})
