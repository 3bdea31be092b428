"""docs/reference/metrics.md and what is exported are the same, and the figures are those of the campaign."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from local_world import World, searching, until
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric as ExportedMetric
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from otlp_sink import OtlpSink, otlp_sink
from temporalio.bridge.runtime import Runtime as BridgedRuntime
from temporalio.runtime import Runtime
from traced_world import working

from client import engine_metrics
from client.adapters import Ports
from domain.wire import TASK_QUEUE
from telemetry import metrics
from telemetry.measuring import Measuring
from telemetry.metric_names import FORMS, Direction, Metric
from telemetry.metrics import Engine
from worker.measuring import measured

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
NOT_OF_A_GOOD_CAMPAIGN = {
    "temporal_workflow_failed_total",
    "temporal_workflow_canceled_total",
    "temporal_workflow_continue_as_new_total",
}
OF_TEMPORAL = {"namespace", "task_queue", "workflow_type"}
"""Labels that its meter adds to ours."""

pytestmark = pytest.mark.timeout(120)


class Row(NamedTuple):
    """One line of the page."""

    kind: str
    unit: str
    labels: frozenset[str]


def listed(section: str) -> dict[str, Row]:
    """The metrics of one section of the page."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = re.findall(r"(?m)^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \|", text)
    return {name: Row(kind, unit, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, unit, labels in rows}


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    """Where Temporal's core exports to, and what workflows count by its meter."""
    with otlp_sink() as sink:
        yield sink


@pytest.fixture
def reader(sink: OtlpSink) -> Iterator[InMemoryMetricReader]:
    """Reads the figures of this process, which is measured as a worker is."""
    reader = InMemoryMetricReader()
    measuring = Measuring(reader, "outrider-tests", lambda: 0)
    metrics.measure_with(measuring.instruments)
    metrics.name_engine(
        Engine(f"{sink.url}/v1/metrics", http=True, headers={}, every_seconds=0.2, about={"service.name": "tests"})
    )
    yield reader
    engine_metrics._Process.runtime = None
    metrics.name_engine(None)
    metrics.measure_with(None)
    metrics.count_ledger(None)
    measuring.close()


def figures(reader: InMemoryMetricReader) -> dict[str, Any]:
    """Our metrics, by name, as they are now."""
    read = reader.get_metrics_data()
    assert read is not None
    return {
        metric.name: metric for one in read.resource_metrics for scope in one.scope_metrics for metric in scope.metrics
    }


def row_of(metric: Any) -> Row:  # noqa: ANN401 the SDK has a type for each kind
    data = metric.data
    kind = (
        "counter"
        if hasattr(data, "is_monotonic")
        else "histogram"
        if data.data_points[0:1] and hasattr(data.data_points[0], "bucket_counts")
        else "gauge"
    )
    return Row(kind, metric.unit, frozenset(name for point in data.data_points for name in point.attributes))


def values(metric: Any) -> dict[str, float]:  # noqa: ANN401 as above
    """The figures, by their labels' values."""
    return {" ".join(map(str, point.attributes.values())): point.value for point in metric.data.data_points}


def exported(metric: ExportedMetric) -> tuple[str, Mapping[str, float], set[str]]:
    """The name that Prometheus will see, figures by stage and outcome, and labels."""
    kind = metric.WhichOneof("data")
    points = getattr(metric, str(kind)).data_points
    unit = "_seconds" if metric.unit == "s" and not metric.name.endswith("_seconds") else ""
    total = "_total" if kind == "sum" and metric.sum.is_monotonic and not metric.name.endswith("_total") else ""
    found: dict[str, float] = {}
    labels: set[str] = set()
    for point in points:
        said = {one.key: one.value.string_value for one in point.attributes}
        labels |= said.keys()
        key = f"{said.get('stage')} {said.get('outcome')}"
        found[key] = found.get(key, 0) + getattr(point, "as_int", 0)
    return f"{metric.name}{unit}{total}", found, labels


async def test_the_page_lists_what_a_campaign_exports(
    world: World, sink: OtlpSink, reader: InMemoryMetricReader
) -> None:
    world.start_github("--people", "200", "--repositories", "120", "--focus", "0.6")
    kept: list[Ports] = []

    def keep(ports: Ports) -> Ports:
        kept.append(ports)
        return ports

    async with (
        working(world, max_cached_workflows=0, changed=keep),
        world.client() as client,
        measured(kept[0].figures.read),
    ):
        started = await client.create(searching(max_leads=60), [])
        report = await client.result(started.campaign_id)
        metrics.count_ledger(await kept[0].figures.read())
        metrics.tokens("a-model", Direction.INPUT, 7)  # nothing asks a model yet

        async def counted() -> bool:
            return {"outrider_leads_total", "temporal_workflow_completed"} <= sink.metrics().keys()

        await until(counted)
        ours = figures(reader)
    (leads_name, leads, labels), *_ = [exported(one) for name, one in sink.metrics().items() if name == Metric.LEADS]
    of_engine = {name: labels for name, _, labels in map(exported, sink.metrics().values())}
    pollers = sink.metrics()["temporal_num_pollers"].gauge.data_points

    page = listed("Outrider's")
    assert page == {str(name): Row(form.kind, form.unit, frozenset(form.labels)) for name, form in FORMS.items()}
    assert {name: row_of(metric) for name, metric in ours.items()} == {
        name: row for name, row in page.items() if name != leads_name
    }
    assert labels - OF_TEMPORAL == page[leads_name].labels
    of_temporal = listed("Temporal's")
    assert of_temporal.keys() - NOT_OF_A_GOOD_CAMPAIGN - of_engine.keys() == set()
    unknown = {name: row.labels - of_engine[name] for name, row in of_temporal.items() if name in of_engine}
    assert {name: labels for name, labels in unknown.items() if labels} == {}
    polled = [{one.key: one.value.string_value for one in point.attributes} for point in pollers]
    asked = {"task_queue": TASK_QUEUE, "poller_type": "workflow_task"}
    assert [labels for labels in polled if asked.items() <= labels.items()], "what OutriderNoWorker asks for"

    sent = report.messages.sent
    assert sent > 0
    assert values(ours[Metric.MAILS]) == {"sent": sent}
    assert values(ours[Metric.MESSAGES])["sent"] == sent
    assert (values(ours[Metric.IN_DOUBT]), values(ours[Metric.UNEXPLAINED])) == ({"": 0}, {"": 0})
    assert values(ours[Metric.TOOL_CALLS])["smtp ok"] > sent, "connections are calls too"
    assert 0 < values(ours[Metric.RATE_LIMIT])["github"] < 5_000
    assert leads["sending done"] == sent
    assert leads["enrichment done"] == leads["personalization done"] == sent

    everything = sink.text() + str(ours)
    assert started.campaign_id not in everything
    assert "@" not in everything.replace(kept[0].public_url, "")


def test_temporals_runtime_cannot_be_told_to_export() -> None:
    """The page says that its last figures are lost: with a way to flush, a worker's end has to use it."""
    assert "cannot be told to do so at a worker's end" in " ".join(PAGE.split())
    ways = ("flush", "shutdown", "close", "export")
    assert [name for name in (*dir(Runtime), *dir(BridgedRuntime)) if any(way in name for way in ways)] == []
