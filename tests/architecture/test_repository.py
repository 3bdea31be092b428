"""What is in the repository: a lock to trust, no path of somebody's machine, a README that keeps its word."""

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
PROMISES_HEADER = "| Promise | Rule | Orchestration | Proof |"


def lock_entries() -> list[tuple[Requirement, list[str]]]:
    """Every requirement of the lock with its hashes."""
    lines = (line for line in LOCK.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#"))
    entries = "\n".join(lines).replace("\\\n", " ").splitlines()
    parts = [entry.split("--hash=") for entry in entries if entry.strip()]
    return [(Requirement(requirement), [value.strip() for value in hashes]) for requirement, *hashes in parts]


def repository_files() -> list[Path]:
    """The files that are in git, or would be after `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 git as the person has it
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def machine_paths() -> re.Pattern[str]:
    """Matches home directories, and this machine's home and checkout where they are no everyday words like /app."""
    own = [re.escape(str(path)) for path in (ROOT, Path.home()) if len(path.parts) > 2]
    return re.compile("|".join([r"(?<![\w.-])/(?:home|Users)/\w", r"(?<![\w.-])/root(?=/)", *own]))


def broken_promises(readme: str, root: Path) -> list[str]:
    """What is wrong with the README's table of promises, a line for each finding."""
    if PROMISES_HEADER not in readme.splitlines():
        return ["no table of promises"]
    after = readme.split(PROMISES_HEADER + "\n", 1)[1].splitlines()[1:]
    end = next((number for number, line in enumerate(after) if not line.startswith("|")), len(after))
    if end == 0:
        return ["no promise in the table"]
    return [f"{row}: {finding}" for row in after[:end] for finding in findings_of_row(row, root)]


def findings_of_row(row: str, root: Path) -> list[str]:
    """What is wrong with one promise: an empty cell, a proof without a test, a link that leads nowhere."""
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
    if len(cells) != 4 or not all(cells):
        return ["not four filled cells"]
    links = [re.findall(r"\[[^\]]*\]\(([^)\s]+)(?: \"([^\"]*)\")?\)", cell) for cell in cells]
    findings = [] if links[3] and all(title for _, title in links[3]) else ["the proof names no test"]
    return findings + [
        finding for cell in links for link, title in cell if (finding := finding_of_link(link, title, root))
    ]


def finding_of_link(link: str, title: str, root: Path) -> str:
    """Why a link to `path` or `page.md#anchor`, whose title may name a test, leads nowhere; "" when it leads there."""
    path, _, anchor = link.partition("#")
    target = root / path
    if not target.exists():
        return f"{path} does not exist"
    if title and title not in functions_of(target):
        return f"{path} has no {title}"
    if anchor and target.suffix == ".md" and anchor not in anchors_of(target):
        return f"{path} has no heading #{anchor}"
    return ""


def functions_of(path: Path) -> set[str]:
    """The names of all functions and methods of a Python file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def anchors_of(path: Path) -> set[str]:
    """The anchors that the headings of a Markdown page get."""
    headings = re.findall(r"(?m)^#+ +(.+?)\s*$", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_locked_requirement_has_one_version_and_a_hash() -> None:
    loose = [
        str(requirement)
        for requirement, hashes in lock_entries()
        if not re.fullmatch(r"==[\w.]+", str(requirement.specifier))
        or not hashes
        or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes)
    ]
    assert loose == []


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK.read_text(encoding="utf-8")


def test_the_lock_answers_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [Requirement(text) for text in project["project"]["dependencies"] + project["dependency-groups"]["dev"]]
    locked = {requirement.name: str(requirement.specifier).removeprefix("==") for requirement, _ in lock_entries()}
    unanswered = [
        str(want) for want in wanted if want.name not in locked or not want.specifier.contains(locked[want.name])
    ]
    assert unanswered == [], "make lock"


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    pattern = machine_paths()
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in repository_files()
        if (match := pattern.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert found == []


def test_the_search_for_machine_paths_finds_them() -> None:
    pattern = machine_paths()
    homes = [f"{os.sep}home/ada/outrider", f"{os.sep}Users/ada", f"{os.sep}root/.cache"]
    assert all(pattern.search(f"see {home}") for home in homes)
    assert not pattern.search("see example.com/home/ada, ~/.cache and $OUTRIDER_HOME/stack.json")


def test_every_promise_of_the_readme_leads_to_its_rule_and_its_proof() -> None:
    assert broken_promises((ROOT / "README.md").read_text(encoding="utf-8"), ROOT) == []


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ('| p | [r](rule.py) | – | [t](test_it.py "test_holds") |', None),
        ('| p | [r](page.md#the-rule) | – | [t](test_it.py "test_holds") |', None),
        ('| p | [r](gone.py) | – | [t](test_it.py "test_holds") |', "gone.py does not exist"),
        ('| p | [r](page.md#a-rule) | – | [t](test_it.py "test_holds") |', "page.md has no heading #a-rule"),
        ('| p | [r](rule.py) | – | [t](test_it.py "test_gone") |', "test_it.py has no test_gone"),
        ("| p | [r](rule.py) | – | [t](test_it.py) |", "the proof names no test"),
        ('| p | [r](rule.py) | | [t](test_it.py "test_holds") |', "not four filled cells"),
    ],
)
def test_a_promise_that_leads_nowhere_is_found(tmp_path: Path, row: str, finding: str | None) -> None:
    (tmp_path / "rule.py").touch()
    (tmp_path / "page.md").write_text("# Page\n\n## The rule\n", encoding="utf-8")
    (tmp_path / "test_it.py").write_text("async def test_holds() -> None: ...\n", encoding="utf-8")
    readme = f"# R\n\n{PROMISES_HEADER}\n|---|---|---|---|\n{row}\n\nMore.\n"
    assert broken_promises(readme, tmp_path) == ([f"{row}: {finding}"] if finding else [])


def test_a_readme_without_promises_is_found(tmp_path: Path) -> None:
    assert broken_promises("# R\n", tmp_path) == ["no table of promises"]
    assert broken_promises(f"{PROMISES_HEADER}\n|---|---|---|---|\n", tmp_path) == ["no promise in the table"]
