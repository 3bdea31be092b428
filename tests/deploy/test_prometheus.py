"""The configuration and the alert rules of Prometheus, held by the real promtool."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_file import ROOT
from promql import listed_metrics, metrics_of, promtool

pytestmark = pytest.mark.go_tools

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]


def test_the_configuration_and_the_rules_are_valid() -> None:
    for command, file in (("config", "prometheus.yml"), ("rules", "rules.yml")):
        done = promtool("check", command, "--lint=all", "--lint-fatal", PROMETHEUS / file)
        assert done.returncode == 0, done.stdout


def test_every_alert_fires_and_is_silent_as_its_cases_say() -> None:
    done = promtool("test", "rules", PROMETHEUS / "rules_test.yml")
    assert done.returncode == 0, done.stdout


def test_every_alert_has_a_case_that_fires_and_one_that_is_silent() -> None:
    cases = [
        (case["alertname"], bool(case["exp_alerts"]))
        for test in yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]
    assert set(cases) == {(rule["alert"], fires) for rule in RULES for fires in (True, False)}


def test_the_cases_miss_an_alert_that_never_fires(tmp_path: Path) -> None:
    rules = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))
    for group in rules["groups"]:
        group["rules"] = [rule | {"expr": f"({rule['expr']}) and vector(0) > 1"} for rule in group["rules"]]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    (tmp_path / "rules_test.yml").write_bytes((PROMETHEUS / "rules_test.yml").read_bytes())
    done = promtool("test", "rules", "rules_test.yml", cwd=tmp_path)
    assert done.returncode != 0
    assert [rule["alert"] for rule in RULES if rule["alert"] not in done.stdout] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description"}


def test_the_rules_ask_for_listed_metrics_only() -> None:
    assert set().union(*(metrics_of(rule["expr"]) for rule in RULES)) <= listed_metrics()


def test_the_reading_of_expressions_finds_every_metric() -> None:
    expression = 'sum by (le, b) (rate(a_seconds_bucket{x="y", z=~"(q)"}[5m] offset 1h)) / c_total > 0.5 unless up == 0'
    assert metrics_of(expression) == {"a_seconds", "c_total"}
    assert metrics_of("histogram_quantile(0.95, sum(d)) or vector(0) and max(e)") == {"d", "e"}


def test_the_guide_lists_every_alert_and_no_other() -> None:
    guide = (ROOT / "docs" / "guides" / "observability.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\| `(Outrider\w+)` \|", guide) == [rule["alert"] for rule in RULES]
