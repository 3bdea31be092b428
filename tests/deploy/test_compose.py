"""docker-compose.yml as far as it can be proved without an engine: schema, references, order, ports, health."""

import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import compose_file
import pytest
import yaml
from compose_file import ROOT

from sandbox.github.__main__ import parse as parse_github
from sandbox.inbox.__main__ import parse as parse_inbox
from web.__main__ import parse as parse_web

SERVICES = compose_file.services()
ENDS = {"migrate", "outrider"}
ANSWERS = re.compile(r"wget -q -O /dev/null http://127\.0\.0\.1:\d+/|ready\.py|SELECT 1|namespace describe")
"""A check that somebody answers, and not merely that a process is there."""


def conforms(file: Path) -> "subprocess.CompletedProcess[str]":
    """What the published schema of compose files says."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_file_has_the_published_schema() -> None:
    done = conforms(compose_file.PATH)
    assert done.returncode == 0, done.stdout


def test_the_schema_finds_a_misspelled_key(tmp_path: Path) -> None:
    wrong = compose_file.whole()
    wrong["services"]["web"]["stop_grace_perod"] = "40s"
    (tmp_path / "wrong.yml").write_text(yaml.safe_dump(wrong), encoding="utf-8")
    assert "stop_grace_perod" in conforms(tmp_path / "wrong.yml").stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_services_that_can_become_what_it_waits_for(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        if wanted["condition"] == "service_completed_successfully":
            assert other in ENDS
        else:
            assert wanted["condition"] == "service_healthy"
            assert compose_file.healthcheck(SERVICES[other]), f"{other} has no health check"


def test_no_service_waits_for_itself() -> None:
    order = {name: set(service.get("depends_on", {})) for name, service in SERVICES.items()}
    assert set(TopologicalSorter(order).static_order()) == SERVICES.keys()


def test_a_worker_starts_when_everything_it_needs_is_there() -> None:
    needed = {"migrate", "temporal", "collector", "inbox", "github"}
    assert SERVICES["worker"]["depends_on"].keys() == needed
    assert "postgres" in SERVICES["migrate"]["depends_on"]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ENDS))
def test_a_health_check_asks_for_an_answer(name: str) -> None:
    assert ANSWERS.search(compose_file.healthcheck(SERVICES[name]))


def test_the_search_for_answers_finds_a_check_that_asks_for_none() -> None:
    assert not ANSWERS.search("CMD pgrep -f worker")
    assert not ANSWERS.search("CMD nc -z localhost 7233")


def test_every_published_port_is_on_loopback_and_published_once() -> None:
    published = list(compose_file.host_ports())
    assert published
    assert [row for row in published if row[1] != "127.0.0.1"] == []
    outside = [port for _, _, port, _ in published]
    assert len(set(outside)) == len(outside)


def test_whatever_can_be_scaled_publishes_nothing_and_has_no_name() -> None:
    assert not {"ports", "container_name"} & SERVICES["worker"].keys()


def test_whoever_stands_in_the_network_of_another_waits_for_it() -> None:
    joined = {name: service["network_mode"] for name, service in SERVICES.items() if "network_mode" in service}
    assert joined == dict.fromkeys(("github", "outrider", "worker"), "service:inbox")
    for name in joined:
        assert SERVICES[name]["depends_on"]["inbox"].get("restart", False) is (name not in ENDS)
        assert "ports" not in SERVICES[name]


def test_every_volume_is_declared_and_used() -> None:
    assert compose_file.whole()["volumes"].keys() == compose_file.named_volumes()


def test_every_file_that_is_mounted_exists_and_is_read_only() -> None:
    mounted = list(compose_file.mounted_files())
    assert mounted
    assert [str(path) for _, path, options in mounted if not path.exists() or options != "ro"] == []


def test_every_image_that_is_built_has_its_file() -> None:
    for service in SERVICES.values():
        build = service.get("build")
        if isinstance(build, str):
            assert (ROOT / build / "Dockerfile").is_file()
        elif build:
            assert (ROOT / build["context"] / build["dockerfile"]).is_file()


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if compose_file.is_ours(service)])
def test_our_containers_may_not_do_more_than_they_need(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_commands_are_ones_that_our_processes_understand() -> None:
    inbox = parse_inbox(SERVICES["inbox"]["command"][3:])
    github = parse_github(SERVICES["github"]["command"][3:])
    web = parse_web(SERVICES["web"]["command"][2:])
    assert (inbox.smtp_port, inbox.http_port, github.port, web.port) == (2525, 8025, 8181, 8026)
    assert SERVICES["migrate"]["command"] == ["outrider", "migrate"]


def test_our_health_checks_ask_where_our_processes_listen() -> None:
    asked = {name: SERVICES[name]["healthcheck"]["test"][3:] for name in ("web", "inbox", "github")}
    assert asked == {"web": ["8026"], "inbox": ["8025", "/healthz"], "github": ["8181", "/healthz"]}


def test_the_page_of_the_local_github_is_published_where_it_listens() -> None:
    assert {inside for name, _, _, inside in compose_file.host_ports() if name == "inbox"} == {"8025", "8181"}
