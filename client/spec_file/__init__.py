"""The spec file: YAML to a validated campaign, with one clear line for every mistake in it."""

from client.spec_file.example import template_of_leads, template_of_new_search, template_of_new_spec
from client.spec_file.mistakes import Mistake, SpecMistakes
from client.spec_file.reading import LoadedSpec, TemplateCheck, read_spec
from client.spec_file.reference import json_schema, reference_page

__all__ = [
    "LoadedSpec",
    "Mistake",
    "SpecMistakes",
    "TemplateCheck",
    "json_schema",
    "read_spec",
    "reference_page",
    "template_of_leads",
    "template_of_new_search",
    "template_of_new_spec",
]
