"""GitHub's published schema, fetched once into the user's cache; it is never part of the repository."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path

from graphql import GraphQLSchema, build_schema

_PACKAGE = "@octokit/graphql-schema"
_VERSION = "15.26.1"
_MEMBER = "package/schema.graphql"


@lru_cache(maxsize=1)
def published_schema() -> GraphQLSchema:
    """Return the schema; graphql-core is told to trust it, for it has rules of its own about deprecated fields."""
    return build_schema(_text(), assume_valid=True, assume_valid_sdl=True)


def _text() -> str:
    cached = _cache() / f"github-schema-{_VERSION}.graphql"
    if not cached.is_file():
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
            fetched = _fetch(Path(folder))
            fetched.replace(cached)
    return cached.read_text(encoding="utf-8")


def _fetch(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise AssertionError(f"npm is missing: install Node.js, so that {_PACKAGE} can be fetched for this test")
    command = [npm, "pack", f"{_PACKAGE}@{_VERSION}", "--silent", "--pack-destination", str(folder)]
    packed = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50, cwd=folder)
    archives = list(folder.glob("*.tgz"))
    assert packed.returncode == 0 and archives, f"npm pack {_PACKAGE}@{_VERSION} failed: {packed.stderr.strip()}"  # noqa: PT018 - one fault
    with tarfile.open(archives[0]) as archive:
        member = archive.extractfile(_MEMBER)
        assert member is not None, f"{_PACKAGE}@{_VERSION} has no {_MEMBER}"
        text = folder / "schema.graphql"
        text.write_bytes(member.read())
    return text


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "outrider" / "tests"
