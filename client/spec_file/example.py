"""What `outrider init` writes: a spec and a matching list of people to start from."""

import re
from importlib.resources import files

USUAL_NAME = "campaign.yaml"
SPEC_NAME = "new_campaign.yaml"
SEARCH_NAME = "new_search.yaml"
LEADS_NAME = "new_leads.csv"


def template_of_new_spec(name: str = USUAL_NAME) -> str:
    """A commented spec that is valid as it stands and names the file of `template_of_leads` as leads.csv.

    `name` is what the commands in its comments call it.
    """
    return _named(SPEC_NAME, name)


def template_of_new_search(name: str = USUAL_NAME) -> str:
    """A commented spec that is valid as it stands and searches GitHub for its people; `name` as above."""
    return _named(SEARCH_NAME, name)


def template_of_leads() -> str:
    """A CSV text with two people on example domains, for the spec of `template_of_new_spec`."""
    return (files(__package__) / LEADS_NAME).read_text(encoding="utf-8")


def _named(template: str, name: str) -> str:
    text = (files(__package__) / template).read_text(encoding="utf-8")
    return re.sub(rf"(?<=outrider )(plan|run) {re.escape(USUAL_NAME)}", lambda found: f"{found[1]} {name}", text)
