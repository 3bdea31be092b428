"""What an author is: whoever turns facts about people into a subject and a body."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from domain.campaign import CampaignSpec
from providers.writing.facts import Facts


class Problem(StrEnum):
    """Why a draft cannot be used. It becomes the lead's reason, so it says nothing about the person."""

    UNDEFINED_VARIABLE = "undefined_variable"
    TEMPLATE_ERROR = "template_error"
    EMPTY_SUBJECT = "empty_subject"
    SUBJECT_TOO_LONG = "subject_too_long"
    CONTROL_IN_SUBJECT = "control_character_in_subject"
    FAKE_REPLY = "fake_reply"
    EMPTY_BODY = "empty_body"
    BODY_TOO_LONG = "body_too_long"
    PLACEHOLDER_LEFT = "placeholder_left"
    NOTHING_WRITTEN_OUT = "none_in_text"
    HTML_ENTITY = "html_entity_in_text"
    UNSAFE_LINK = "unsafe_link"
    FOREIGN_ADDRESS = "address_of_another_lead"
    NO_OPT_OUT = "no_opt_out"
    NO_IDENTITY = "no_identity"
    NO_POSTAL_ADDRESS = "no_postal_address"


class AuthoredText(NamedTuple):
    """What an author writes. The footer, the recipient and every header come from code."""

    subject: str
    body: str
    """Plain text, paragraphs separated by blank lines."""
    html: str | None
    """The HTML part without its footer; None = it is made from `body`."""
    author: str
    version: str
    """As in `Draft.version`."""


class Rejected(NamedTuple):
    """A draft that was found wanting; `text` is None when the author could not write one."""

    facts: Facts
    text: AuthoredText | None
    problem: Problem


class Author(Protocol):
    """Writes for a window of people. Answers are in the order of the question and as many.

    What concerns one person is a `Problem` in the answer; an exception concerns the whole window and ends its attempt.
    """

    @property
    def at_once(self) -> int:
        """How many people one call should get: a campaign that is paused waits until they are written to."""

    async def draft(self, spec: CampaignSpec, people: Sequence[Facts]) -> list[AuthoredText | Problem]:
        """The first version for each person."""

    async def repair(self, spec: CampaignSpec, rejected: Sequence[Rejected]) -> list[AuthoredText | Problem]:
        """A second version without the problem named, or the problem again where nothing can be done."""
