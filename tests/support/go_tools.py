"""The collector, Jaeger and promtool that the tests run: built with Go once, kept in the user's cache.

No package registry has them ready-made, and what is on PATH has other components or another version than the ones
that docker-compose.yml names. `make tools` builds all that are missing, with one set of downloaded modules.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

COLLECTOR_BUILD = Path(__file__).parents[2] / "deploy" / "collector"
BUILD_SECONDS = 20 * 60
PLACE_FOR_BUILDS = "making-go-tools-"

Say = Callable[[str], None]


class GoToolMissing(Exception):
    """A tool cannot be built; the message says which one and why."""


@dataclass(frozen=True)
class GoTool:
    """A program that is built from `module` at `module_version`, which is released as `version`."""

    name: str
    version: str
    module: str
    module_version: str
    package: str
    build: tuple[str, ...]
    asked_version: tuple[str, ...] = ("--version",)
    recipe: str = ""
    """What else decides about the program, as a hash."""

    @property
    def cached(self) -> Path:
        """Where the program is, once it is built."""
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache, "outrider", "bin", "-".join(filter(None, (self.name, self.version, self.recipe))))

    def answers(self, program: Path) -> bool:
        """Whether the program says that it is this version."""
        answer = subprocess.run([program, *self.asked_version], capture_output=True, text=True, check=False, timeout=30)
        return answer.returncode == 0 and self.version in answer.stdout


def _collector() -> GoTool:
    """The collector of deploy/collector: the manifest, go.mod and go.sum decide what it can do."""
    parts = [COLLECTOR_BUILD / name for name in ("builder.yaml", "go.mod", "go.sum")]
    version = yaml.safe_load(parts[0].read_text(encoding="utf-8"))["dist"]["version"]
    return GoTool(
        name="otelcol",
        version=version,
        module="go.opentelemetry.io/collector/cmd/builder",
        module_version=f"v{version}",
        package=".",
        build=("-ldflags=-s -w",),
        recipe=hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:8],
    )


COLLECTOR = _collector()
JAEGER = GoTool(
    name="jaeger",
    version="2.13.0",
    module="github.com/jaegertracing/jaeger",
    module_version="v1.76.0",  # carries Jaeger 2.13.0 in cmd/jaeger; there is no module /v2
    package="./cmd/jaeger",
    build=("-ldflags=-s -w -X github.com/jaegertracing/jaeger/internal/version.latestVersion=v2.13.0",),
    asked_version=("version",),
)
PROMTOOL = GoTool(
    name="promtool",
    version="3.12.0",
    module="github.com/prometheus/prometheus",
    module_version="v0.312.0",  # Prometheus 3.12 is the module v0.312
    package="./cmd/promtool",
    build=("-tags=remove_all_sd", "-ldflags=-s -w -X github.com/prometheus/common/version.Version=3.12.0"),
)
TOOLS = (COLLECTOR, PROMTOOL, JAEGER)


def obtain(tool: GoTool, say: Say = print) -> Path:
    """The program, built when the cache has none. Blocks for minutes then; raises GoToolMissing."""
    obtain_all([tool], say)
    return tool.cached


def obtain_all(tools: Iterable[GoTool], say: Say = print) -> None:
    """Build those that the cache has not, one after the other: two at once would only wait for each other's modules.

    Several processes may call this at once: one works, the others wait for its result.
    """
    missing = [tool for tool in tools if not tool.cached.exists()]
    if not missing:
        return
    place = missing[0].cached.parent
    place.mkdir(parents=True, exist_ok=True)
    with (place / "go-tools.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for left_by_a_kill in place.glob(f"{PLACE_FOR_BUILDS}*"):
            shutil.rmtree(left_by_a_kill)
        with tempfile.TemporaryDirectory(prefix=PLACE_FOR_BUILDS, dir=place) as scratch:
            for tool in missing:
                if not tool.cached.exists():
                    _make(tool, Path(scratch), say)


def main() -> int:
    """`python tests/support/go_tools.py`: build what is missing, one line for each tool. Returns the exit code."""
    try:
        obtain_all(TOOLS, partial(print, flush=True))
    except GoToolMissing as error:
        sys.stderr.write(f"{error}\n")
        return 3
    for tool in TOOLS:
        sys.stdout.write(f"{tool.name} {tool.version}: {tool.cached}\n")
    return 0


def _make(tool: GoTool, scratch: Path, say: Say) -> None:
    go = shutil.which("go")
    if not go:
        raise GoToolMissing(f"no Go on PATH to build {tool.name} {tool.version} with; the tests need Go 1.26 or newer")
    say(f"Building {tool.name} {tool.version} with Go, once: 1 to 5 minutes, up to 3 GB of disk meanwhile.")
    started = time.monotonic()
    environment = {
        "GOBIN": str(scratch),
        "GOCACHE": str(scratch / "build"),
        "GOFLAGS": "-modcacherw",  # otherwise the scratch directory could not be deleted
        "GOMODCACHE": str(scratch / "modules"),
        "GOTOOLCHAIN": "local",  # no second download of Go itself
        "GOWORK": "off",  # neither a workspace of this person nor one that a module was published with
    }
    go_here = partial(_run, tool, environment)
    sources = scratch / tool.name
    program = scratch / f"{tool.name}-built"
    if tool is COLLECTOR:
        shutil.copytree(COLLECTOR_BUILD, sources)
        go_here([go, "install", f"{tool.module}@{tool.module_version}"], scratch)
        generate = ["--config=builder.yaml", "--skip-get-modules", "--skip-compilation"]
        go_here([str(scratch / "builder"), *generate], sources)
    else:
        # A copy, because `go install` refuses modules that replace or exclude others.
        told = go_here([go, "mod", "download", "-json", f"{tool.module}@{tool.module_version}"], scratch)
        shutil.copytree(json.loads(told)["Dir"], sources)
    go_here([go, "build", "-mod=readonly", "-trimpath", *tool.build, "-o", str(program), tool.package], sources)
    if not tool.answers(program):
        raise GoToolMissing(f"the {tool.name} that was built does not say that it is {tool.version}")
    program.replace(tool.cached)
    say(f"Built in {time.monotonic() - started:.0f} s, {tool.cached.stat().st_size / 1e6:.0f} MB.")


def _run(tool: GoTool, environment: Mapping[str, str], command: list[str], directory: Path) -> str:
    """What the command writes to stdout; raises GoToolMissing with the last lines of what it complains about."""
    try:
        done = subprocess.run(
            ["nice", *command],  # noqa: S607 as the person has it
            cwd=directory,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise GoToolMissing(f"{tool.name}: {command[1]} is not done after {BUILD_SECONDS} s") from None
    if done.returncode:
        raise GoToolMissing(f"{tool.name}: {' '.join(command[1:3])} failed: {done.stderr.strip()[-600:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
