"""People whose drafts `plan` shows: those of the file, or, where people would be searched for, invented ones."""

from client.specs import Prepared
from domain.lead import Lead, LeadRepository

TOKEN = "made-for-each-person"  # noqa: S105 the place of a token, no token

_PROFILE = "your public GitHub profile github.com/{login}"
_INVENTED = (
    ("Dana Rivers", "dana-example", "Example Labs", "Berlin, Germany", "example-org/widgets", 41, 62, 5),
    ("Zoë O'Neill-Müller", "zoe-example", "", "", "example-org/a-repository-with-quite-a-long-name", 1, 1, 240),
    ("kim", "kim-example", "@example-net", "somewhere", "kim-example/dotfiles", 180, 100, 1),
)
"""Name, login, company, location, repository, commits, their share in per cent, how many people committed there."""


def of_file(prepared: Prepared) -> list[Lead]:
    """Everybody in the file, in its order."""
    return [
        Lead(number=number, opt_out_token=TOKEN, **new.model_dump(exclude={"source_identity"}))
        for number, new in enumerate(prepared.new_leads(), start=1)
    ]


def invented() -> list[Lead]:
    """A full profile, one with long and foreign names, and one whose name is none to greet by."""
    return [
        Lead(
            number=number,
            email=f"{login}@example.com",
            name=name,
            login=login,
            company=company,
            location=location,
            source=_PROFILE.format(login=login),
            opt_out_token=TOKEN,
            repository=LeadRepository(
                full_name=repository,
                url=f"https://github.com/{repository}",
                description="Widgets for everybody",
                language="Python",
                stars=1204,
                commits=commits,
                share_percent=share,
                active_people=active,
            ),
        )
        for number, (name, login, company, location, repository, commits, share, active) in enumerate(_INVENTED, 1)
    ]


def emptiest(prepared: Prepared, number: int, source: str) -> Lead:
    """Somebody of whom nothing is known but what is known of everybody."""
    lead = Lead(
        number=number,
        email="somebody@example.com",
        source=source,
        extra=dict.fromkeys(prepared.file.extra_columns, ""),
        opt_out_token=TOKEN,
    )
    if prepared.leads_path:
        return lead
    repository = LeadRepository(
        full_name="example-org/widgets", url="https://github.com/example-org/widgets", commits=1, active_people=1
    )
    login = "octo-example"
    return lead.model_copy(update={"login": login, "repository": repository, "source": _PROFILE.format(login=login)})
