"""docker-compose.yml as the tests read it: merged as YAML merges, variables put in as compose puts them in."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")

Service = dict[str, Any]


def services() -> dict[str, Service]:
    """Every service by its name."""
    found: dict[str, Service] = whole()["services"]
    return found


def whole() -> dict[str, Any]:
    """The whole file."""
    read: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return read


def rendered(value: str, variables: Mapping[str, str]) -> str:
    """A value with its variables put in; raises KeyError for one that is required and not given."""

    def put_in(found: "re.Match[str]") -> str:
        name, kind, rest = found["name"], found["kind"], found["rest"]
        return variables.get(name, rest or "") if kind == "-" else variables[name]

    return VARIABLE.sub(put_in, value)


def environment(service: Service, variables: Mapping[str, str]) -> dict[str, str]:
    """What the service's process finds in its environment."""
    return {name: rendered(value, variables) for name, value in service.get("environment", {}).items()}


def example_variables() -> dict[str, str]:
    """What .env.example sets, in the form `NAME=value`; lines that are commented out do not count."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def is_ours(service: Service) -> bool:
    """Whether the service runs Outrider's own image."""
    return str(service["image"]).startswith("outrider:")


def host_ports() -> Iterator[tuple[str, str, str, str]]:
    """(service, address, port on this machine, port in the container) of everything that is published."""
    for name, service in services().items():
        for published in service.get("ports", ()):
            address, outside, inside = published.rsplit(":", 2) if published.count(":") > 1 else ("", published, "")
            yield name, address, outside, inside


def mounted_files() -> Iterator[tuple[str, Path, str]]:
    """(service, path beside the file, options) of everything that is mounted from this directory."""
    for name, service in services().items():
        for volume in service.get("volumes", ()):
            source, _, rest = volume.partition(":")
            if source.startswith("."):
                yield name, ROOT / source, rest.partition(":")[2]


def named_volumes() -> set[str]:
    """The volumes that services use."""
    volumes = [volume.partition(":")[0] for service in services().values() for volume in service.get("volumes", ())]
    return {volume for volume in volumes if not volume.startswith((".", "/"))}


def healthcheck(service: Service) -> str:
    """The service's health check as one line, its image's where the file says nothing, "" where there is none."""
    own = service.get("healthcheck", {})
    if own.get("disable"):
        return ""
    if "test" in own:
        return " ".join(own["test"])
    build = service.get("build", {})
    context, file = (build, "Dockerfile") if isinstance(build, str) else (build.get("context", ""), build["dockerfile"])
    text = (ROOT / context / file).read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.search(r"(?m)^HEALTHCHECK.*CMD (\[.*\])$", text)
    return " ".join(yaml.safe_load(found[1])) if found else ""
