"""What `outrider init` writes: a spec and a matching list of people to start from."""

from importlib.resources import files

SPEC_NAME = "new_campaign.yaml"
SEARCH_NAME = "new_search.yaml"
LEADS_NAME = "new_leads.csv"


def template_of_new_spec() -> str:
    """A commented spec that is valid as it stands and names the file of `template_of_leads` as leads.csv."""
    return (files(__package__) / SPEC_NAME).read_text(encoding="utf-8")


def template_of_new_search() -> str:
    """A commented spec that is valid as it stands and searches GitHub for its people."""
    return (files(__package__) / SEARCH_NAME).read_text(encoding="utf-8")


def template_of_leads() -> str:
    """A CSV text with two people on example domains, for the spec of `template_of_new_spec`."""
    return (files(__package__) / LEADS_NAME).read_text(encoding="utf-8")
