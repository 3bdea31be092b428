"""From a file to a validated campaign: the file, `--set`, the texts in files of their own, the model, the templates."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

from client.spec_file.document import Document, Place, parse
from client.spec_file.mistakes import Mistake, Path, SpecMistakes, shown, undotted
from client.spec_file.text_file import Unreadable, read_text_file
from client.spec_file.validation import validate
from domain.campaign import CampaignSpec, CsvAudience, TemplateMistake

MAX_BYTES = 1_000_000
COMMAND_LINE = "--set"

TemplateCheck = Callable[[CampaignSpec, Collection[str]], Sequence[TemplateMistake]]
"""What is wrong in a spec's templates, given the names under `lead.extra`."""


@dataclass(frozen=True)
class LoadedSpec:
    """A validated spec and where it came from. Texts that stood in files of their own are in it."""

    spec: CampaignSpec
    path: FilePath
    places: Mapping[Path, Place]

    @property
    def leads_file(self) -> FilePath | None:
        """The file that `audience.file` names, relative to the spec's directory."""
        audience = self.spec.audience
        return self.path.parent / audience.file if isinstance(audience, CsvAudience) and audience.file else None

    @property
    def sha256(self) -> str:
        """Hash of all that the spec says, texts included: two spellings of the same spec have the same one."""
        return hashlib.sha256(self.spec.model_dump_json().encode()).hexdigest()

    def check_templates(self, check: TemplateCheck, extra_columns: Collection[str]) -> None:
        """Raise SpecMistakes for what `check` finds, at the lines of the files where the templates stand."""
        found = check(self.spec, extra_columns)
        if found:
            raise SpecMistakes(map(self._placed, found))

    def _placed(self, mistake: TemplateMistake) -> Mistake:
        place = Document(places=dict(self.places)).place(undotted(mistake.field))
        if place.text_from is not None:
            return Mistake(place.source, place.text_from + mistake.line_in_template - 1, mistake.field, mistake.message)
        within = f"line {mistake.line_in_template} of the text: " if mistake.line_in_template > 1 else ""
        return Mistake(place.source, place.line, mistake.field, within + mistake.message)


def read_spec(
    path: FilePath,
    overrides: Mapping[str, str] | None = None,
    *,
    check_templates: TemplateCheck | None = None,
    extra_columns: Collection[str] = (),
) -> LoadedSpec:
    """The campaign in a YAML file, changed by `overrides` (dotted path to a value in YAML, as after `--set`).

    Raises SpecMistakes with every mistake found; templates are checked when all else is right. When the names of the
    lead file's columns are known only later, leave `check_templates` out and call `LoadedSpec.check_templates`.
    """
    document = parse(_text_of_spec(path), str(path))
    for name, value in (overrides or {}).items():
        _override(document, name, value)
    _take_texts(document, path.parent)
    spec = validate(document)
    if spec is None:
        raise SpecMistakes(document.mistakes)
    loaded = LoadedSpec(spec, path, document.places)
    if check_templates is not None:
        loaded.check_templates(check_templates, extra_columns)
    return loaded


def _text_of_spec(path: FilePath) -> str:
    try:
        return read_text_file(path, MAX_BYTES).text
    except Unreadable as why:
        hint = f"; outrider init {path} writes one to start from" if why.missing else ""
        raise SpecMistakes([Mistake(str(path), why.line, "", f"{why}{hint}")]) from None


def _override(document: Document, name: str, value: str) -> None:
    """Put a value given on the command line in its place. A name the model does not know is found by validation."""
    path = undotted(name)
    try:
        given = parse(value, COMMAND_LINE, lines=False)
    except SpecMistakes:
        document.mistakes.append(Mistake(COMMAND_LINE, None, name, "the value is no YAML; put it in quotes"))
        return
    if path == ("dry_run",) and _says_dry_run(document) and given.values is not True:
        message = "the spec says dry_run: true, which a flag cannot turn off; change the file"
        document.mistakes.append(Mistake(COMMAND_LINE, None, name, message))
        return
    if not _put(document, path, given.values):
        document.mistakes.append(
            Mistake(COMMAND_LINE, None, name, "there is no such field; see docs/reference/spec.md")
        )
        return
    stale = [place for place in document.places if place[: len(path)] == path]
    for place in stale:
        del document.places[place]
    document.places.update({(*path, *inner): place for inner, place in given.places.items()})
    document.mistakes.extend(
        mistake._replace(field=f"{name}.{mistake.field}".rstrip(".")) for mistake in given.mistakes
    )


def _says_dry_run(document: Document) -> bool:
    return isinstance(document.values, dict) and document.values.get("dry_run") is True


def _put(document: Document, path: Path, value: object) -> bool:
    """Set the value at `path`, making groups on the way; False where the path does not fit what is there."""
    if document.values is None:
        document.values = {}
    container = document.values
    for depth, part in enumerate(path[:-1], start=1):
        if isinstance(container, dict) and container.get(part) is None:
            container[part] = {}
            document.places[path[:depth]] = Place(COMMAND_LINE, None)
        container = _inside(container, part)
    last = path[-1]
    if isinstance(container, dict):
        container[last] = value
        return True
    if isinstance(container, list) and isinstance(last, int) and last < len(container):
        container[last] = value
        return True
    return False


def _inside(container: object, part: str | int) -> object:
    if isinstance(container, dict):
        return container[part]
    if isinstance(container, list) and isinstance(part, int) and part < len(container):
        return container[part]
    return None


def _take_texts(document: Document, directory: FilePath) -> None:
    """Read the texts that stand in files of their own into the document, under the fields that hold them."""
    steps = document.values.get("sequence") if isinstance(document.values, dict) else None
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        for text in ("body", "html"):
            if isinstance(step, dict) and isinstance(step.get(f"{text}_file"), str):
                _take_text(document, step, ("sequence", index, text), directory)


def _take_text(document: Document, step: dict[str, object], path: Path, directory: FilePath) -> None:
    text = str(path[-1])
    file_path = (*path[:-1], f"{text}_file")
    name = str(step[f"{text}_file"])
    if text in step:
        document.add(file_path, f"{text} and {text}_file are both given; keep one of them")
        return
    file = directory / name
    document.places[path] = document.place(file_path)
    try:
        step[text] = read_text_file(file, MAX_BYTES).text.replace("\r\n", "\n")
    except Unreadable as why:
        where = f", line {why.line}" if why.line else ""
        document.add(file_path, f"{shown(name)}{where}: {why}")
        step[text] = name  # the spec is refused already: it shall not be said as well that there is no text
        return
    document.places[path] = Place(str(file), 1, text_from=1)
