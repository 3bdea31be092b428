"""The dashboards: expressions that promtool understands, metrics that are listed, sources that are provisioned."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_file import ROOT
from promql import listed_metrics, metrics_of, promtool

pytestmark = pytest.mark.go_tools

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS: dict[str, dict[str, Any]] = {
    path.name: json.loads(path.read_text(encoding="utf-8")) for path in (GRAFANA / "dashboards").glob("*.json")
}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, all_of in DASHBOARDS.items()
    for panel in all_of["panels"]
    if panel["type"] != "row"
]
EXPRESSIONS = [
    target["expr"]
    for all_of in DASHBOARDS.values()
    for panel in all_of["panels"]
    for target in panel.get("targets", ())
]


def parsed(expressions: list[str], place: Path) -> str:
    """What promtool complains about in rules made of the expressions, "" when it understands them all."""
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions)
    ]
    file = place / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    done = promtool("check", "rules", file)
    return done.stdout if done.returncode else ""


def test_promtool_understands_every_expression(tmp_path: Path) -> None:
    assert len(EXPRESSIONS) > 20
    assert parsed(EXPRESSIONS, tmp_path) == ""


def test_an_expression_that_nobody_understands_is_found(tmp_path: Path) -> None:
    assert "parse error" in parsed(["sum by (rate(x[5m])"], tmp_path)


def test_the_panels_ask_for_listed_metrics_only() -> None:
    assert set().union(*map(metrics_of, EXPRESSIONS)) <= listed_metrics()


def test_every_metric_of_ours_is_shown() -> None:
    ours = {name for name in listed_metrics() if name.startswith("outrider_")}
    assert ours == {name for name in set().union(*map(metrics_of, EXPRESSIONS)) if name.startswith("outrider_")}


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_a_source_that_is_provisioned(panel: dict[str, Any]) -> None:
    provisioned = yaml.safe_load((GRAFANA / "datasources.yml").read_text(encoding="utf-8"))["datasources"]
    known = {(source["type"], source["uid"]) for source in provisioned}
    used = [part["datasource"] for part in (panel, *panel["targets"])]
    assert {(source["type"], source["uid"]) for source in used} <= known


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_have_numbers_of_their_own_and_do_not_cover_each_other(name: str) -> None:
    panels = DASHBOARDS[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above


def test_grafana_finds_the_dashboards_where_they_are_mounted() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    mounted = {volume.split(":")[1] for volume in compose["services"]["grafana"]["volumes"]}
    [provider] = yaml.safe_load((GRAFANA / "providers.yml").read_text(encoding="utf-8"))["providers"]
    assert provider["options"]["path"] in mounted
