"""What a campaign is made of: the spec with its changes, its people, and its texts checked against their columns."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from client.adapters import check_templates
from client.lead_file import ImportedLead, LeadFile, read_leads
from client.spec_file import LoadedSpec, read_spec
from domain.campaign import Audience, CampaignSpec, CsvAudience, SearchedAudience, Window
from domain.errors import InputError
from domain.goal import Goal, audience_of, read_goal
from domain.lead import NewLead, normalise_address
from domain.permission import refusal
from domain.report import RejectedRow

BASE = Path("campaign.yaml")
"""The spec that a goal in words is put into: of the directory one is in."""

_NOBODY = LeadFile(leads=(), rejected=(), columns=(), sha256="")


@dataclass(frozen=True)
class Prepared:
    """A campaign as its files say it, before anything is stored."""

    loaded: LoadedSpec
    leads_path: Path | None
    """None where people are searched for while the campaign runs; `file` is empty then."""
    file: LeadFile

    @property
    def spec(self) -> CampaignSpec:
        """The validated spec, as it is stored: nothing leaves in a rehearsal, so it waits for no window."""
        spec = self.loaded.spec
        if not spec.dry_run:
            return spec
        always = Window(timezone=spec.sending.window.timezone)
        return spec.model_copy(update={"sending": spec.sending.model_copy(update={"window": always})})

    def new_leads(self) -> list[NewLead]:
        """The people, in the file's order."""
        name = self.leads_path.name if self.leads_path else ""
        return [_new_lead(lead, name) for lead in self.file.leads]

    def rejected_rows(self) -> list[RejectedRow]:
        """The rows that became no lead. Their cells stay in the file: what is stored names column and reason only."""
        return [
            RejectedRow(line=row.line, reason=": ".join(filter(None, (row.column, row.reason))))
            for row in self.file.rejected
        ]

    def refusals(self) -> dict[str, int]:
        """How many people may not be written to, by reason."""
        reasons = (refusal(self.spec, lead.permission_basis, lead.extra) for lead in self.file.leads)
        return dict(Counter(reason for reason in reasons if reason).most_common())


def prepare(spec: str, leads: Path | None = None, changes: Sequence[str] = (), *, dry_run: bool = False) -> Prepared:
    """Read everything a campaign is made of; raises InputError with a line for every mistake.

    `spec` is a file's name or a goal in words. A goal is put into the spec of BASE, and the audience it asks for; all
    else, and who is left out, is as that file says.
    """
    overrides = _overrides(changes)
    if dry_run:
        overrides["dry_run"] = "true"
    if is_goal(spec):
        overrides = {**_of_goal(spec), **overrides}
        loaded = read_spec(BASE, overrides)
        try:
            return _with_people(loaded, leads)
        except InputError as error:  # in its texts
            if error.hint or not isinstance(_audience_of_base(read_goal(spec)), CsvAudience):
                raise
            hint = f"{BASE} is written for the people of a list; one for a search: outrider init --github FILE"
            raise InputError(error.line, hint=hint) from None
    return _with_people(read_spec(Path(spec), overrides), leads)


def is_goal(spec: str) -> bool:
    """Whether what was given is a goal in words: no file of that name is there, and it has a blank in it."""
    path = Path(spec)
    if " " not in spec.strip() or path.suffix in (".yaml", ".yml"):
        return False
    try:
        return not path.exists()
    except OSError:  # too long for a file's name
        return True


def _of_goal(text: str) -> dict[str, str]:
    """What a goal changes in the spec that it is put into."""
    if not BASE.exists():
        raise InputError(
            f"a goal says neither who writes nor what; that stands in {BASE}, which is not here",
            hint=f"outrider init --github {BASE}",
        )
    understood = read_goal(text)
    audience = audience_of(understood, _audience_of_base(understood))
    goal = json.dumps(" ".join(text.split()), ensure_ascii=False)
    return {"goal": goal, "audience": audience.model_dump_json(exclude_defaults=True)}


def _audience_of_base(goal: Goal) -> Audience:
    """The audience of BASE; one that names nothing to search by is right where the goal does."""
    try:
        return read_spec(BASE).spec.audience
    except InputError as error:
        named = {"languages": list(goal.languages), "topics": list(goal.topics), "stars": str(goal.stars or "")}
        overrides = {f"audience.{name}": json.dumps(value) for name, value in named.items() if value}
        try:
            return read_spec(BASE, overrides).spec.audience
        except InputError:
            raise error from None


def _with_people(loaded: LoadedSpec, leads: Path | None) -> Prepared:
    audience = loaded.spec.audience
    leads_path = leads or loaded.leads_file
    if isinstance(audience, SearchedAudience):
        if leads:
            raise InputError(
                f"--leads: {loaded.path} searches for its people (audience.source: {audience.source})",
                hint="leave --leads out, or write audience: {source: csv}",
            )
        file = _NOBODY
    elif leads_path is None:
        raise InputError(f"{loaded.path}: audience.file: names no file of people", hint="name one: --leads FILE.csv")
    else:
        file = read_leads(leads_path, audience)
    loaded.check_templates(check_templates, file.extra_columns)
    return Prepared(loaded, leads_path, file)


def _overrides(changes: Sequence[str]) -> dict[str, str]:
    overrides = {}
    for change in changes:
        path, equals, value = change.partition("=")
        if not equals or not path:
            raise InputError(f"--set {change}: must be path=value", hint="--set sending.window.timezone=Europe/Berlin")
        overrides[path] = value
    return overrides


def _new_lead(lead: ImportedLead, file_name: str) -> NewLead:
    return NewLead(
        source_identity=normalise_address(lead.email),
        source=f"the list {file_name}",
        **lead.model_dump(exclude={"line"}),
    )
