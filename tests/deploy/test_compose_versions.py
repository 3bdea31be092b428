"""docker-compose.yml names the versions and the times that the tests run with."""

import re
import subprocess
import tomllib
from datetime import timedelta
from typing import Any

import compose_file
import go_tools
import postgres
import pytest
import yaml
from compose_file import ROOT

from client.local_stack import parts
from client.temporal_cli import obtain, version_of
from telemetry.setup import LEAVE_SECONDS
from web import __main__ as web
from worker.build import GRACE

SERVICES = compose_file.services()
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HANDED_OVER = timedelta(seconds=LEAVE_SECONDS)
"""After all other work a process hands over its spans."""
EXACT = re.compile(r"[\w./-]+:v?\d+(\.\d+)+(-[a-z]\w*)*")


def version(service: str) -> str:
    """The tag of the service's image without its v."""
    return str(SERVICES[service]["image"]).rpartition(":")[2].removeprefix("v")


def base_images(dockerfile: str) -> list[str]:
    """What the stages of a Dockerfile begin with."""
    return re.findall(r"(?m)^FROM (\S+)", (ROOT / dockerfile).read_text(encoding="utf-8"))


def seconds(duration: str) -> timedelta:
    """A duration of the file; only seconds are used."""
    return timedelta(seconds=int(duration.removesuffix("s")))


def test_every_image_is_pinned_to_an_exact_version() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += base_images("deploy/Dockerfile") + base_images("deploy/collector/Dockerfile")
    assert [image for image in images if not EXACT.fullmatch(image)] == []


@pytest.mark.parametrize("image", ["postgres", "postgres:latest", "postgres:15", "grafana/grafana:main"])
def test_a_version_that_moves_is_found(image: str) -> None:
    assert not EXACT.fullmatch(image)


def test_temporal_is_the_server_and_the_page_of_the_development_server() -> None:
    tested = re.search(r"Server ([\d.]+), UI ([\d.]+)", version_of(obtain(print)))
    assert tested
    assert (version("temporal"), version("temporal-ui")) == tested.groups()


def test_the_collector_is_the_one_that_the_tests_build() -> None:
    assert version("collector") == go_tools.COLLECTOR.version
    assert f"otel/opentelemetry-collector-contrib:{go_tools.COLLECTOR.version}" in base_images(
        "deploy/collector/Dockerfile"
    )


def test_jaeger_and_prometheus_are_those_that_the_tests_build() -> None:
    assert version("jaeger") == go_tools.JAEGER.version
    assert version("prometheus") == go_tools.PROMTOOL.version


@pytest.mark.parametrize("service", ["postgres", "temporal-postgres"])
def test_postgresql_has_the_major_version_of_the_tests(service: str) -> None:
    told = subprocess.run([postgres._programs() / "postgres", "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"PostgreSQL\) (\d+)", told.stdout)
    assert found
    assert version(service).split(".")[0] == found[1]


def test_python_is_the_oldest_that_we_support() -> None:
    [python] = set(base_images("deploy/Dockerfile"))
    assert python.startswith("python:" + PROJECT["project"]["requires-python"].removeprefix(">=") + ".")


def test_the_image_has_the_version_of_the_project() -> None:
    ours = {name: version(name) for name, service in SERVICES.items() if compose_file.is_ours(service)}
    assert ours.keys() == {"migrate", "outrider", "web", "worker", "inbox", "github"}
    assert set(ours.values()) == {PROJECT["project"]["version"]}


def test_a_worker_gets_longer_to_stop_than_the_mail_in_hand_may_take() -> None:
    assert seconds(SERVICES["worker"]["stop_grace_period"]) > GRACE + HANDED_OVER


def test_the_web_page_gets_longer_to_stop_than_a_request_may_take() -> None:
    assert seconds(SERVICES["web"]["stop_grace_period"]) > timedelta(seconds=web._GRACE_SECONDS) + HANDED_OVER


def test_temporal_is_set_as_outrider_up_sets_it() -> None:
    tuned = yaml.safe_load((ROOT / "deploy" / "temporal" / "dynamic-config.yaml").read_text(encoding="utf-8"))
    shipped = {name: entries[0]["value"] for name, entries in tuned.items()}
    assert shipped == {
        name: yaml.safe_load(value) for name, value in (setting.split("=", 1) for setting in parts._DYNAMIC_CONFIG)
    }
    assert SERVICES["temporal"]["environment"]["DEFAULT_NAMESPACE_RETENTION"] == parts.RETENTION
    assert SERVICES["temporal"]["environment"]["DEFAULT_NAMESPACE"] == parts.NAMESPACE
    mounted = [volume for volume in SERVICES["temporal"]["volumes"] if "dynamic-config" in volume]
    assert mounted[0].split(":")[1] == SERVICES["temporal"]["environment"]["DYNAMIC_CONFIG_FILE_PATH"]


def test_the_guide_names_the_tools_as_they_are_cached() -> None:
    guide = (ROOT / "docs" / "guides" / "observability.md").read_text(encoding="utf-8")
    for tool in (go_tools.JAEGER, go_tools.COLLECTOR):
        assert f"/outrider/bin/{tool.name}-{tool.version}" in guide
    assert f"promtool {go_tools.PROMTOOL.version}" in guide
