"""How mails leave: through which mailbox, when, and what happens to those that do not."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.campaign.part import Part
from domain.campaign.values import (
    Address,
    ClockTime,
    Day,
    Days,
    Duration,
    ListId,
    MailboxName,
    Percent,
    TimeZone,
    Whole,
    written,
)


class InDoubtPolicy(StrEnum):
    """What happens to a message of which nobody can know whether the relay took it."""

    HOLD = "hold"
    RESEND = "resend"


class Mailbox(Part):
    """Where mails leave. Its login is in the environment, never in the spec."""

    name: MailboxName = Field(
        max_length=40,
        description="Letters, digits and `_`. The login is read from `OUTRIDER_MAILBOX_<NAME>_SMTP_URL`, else "
        "`OUTRIDER_SMTP_URL`.",
        examples=["relay"],
    )
    address: Address = Field(description="The address in From.", examples=["news@example.com"])
    pace: Literal["none"] = Field(description="As fast as the relay takes them; this version has no other pace.")
    connections: Whole = Field(10, ge=1, le=200, description="Open connections to the relay, in each worker.")


class Window(Part):
    """When mails may leave, by the clock of one time zone."""

    days: Days = Field("mon-sun", description="Weekdays, as ranges and lists.", examples=["mon-fri"])
    from_: ClockTime = Field("00:00", alias="from", description="First minute, in quotes.", examples=["09:00"])
    to: ClockTime = Field("24:00", description="The minute it closes, in quotes; at most 24:00.", examples=["17:00"])
    timezone: TimeZone = Field("UTC", description="IANA name of the time zone.", examples=["Europe/Berlin"])

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if self.from_ == self.to:
            raise ValueError(f"from and to are both {self.to}, so it never opens; the whole day is 00:00 to 24:00")
        if self.from_ > self.to:
            raise ValueError(f"to ({self.to}) is before from ({self.from_}); a window cannot go past midnight")
        return self


class Deferral(Part):
    """How long a mail that the relay put off (4xx) is tried again; the intervals double."""

    first: Duration = Field(timedelta(minutes=15), description="Until the second attempt.", examples=["15m"])
    longest: Duration = Field(timedelta(hours=4), description="The intervals grow up to this.", examples=["4h"])
    give_up: Duration = Field(
        timedelta(days=5), description="No attempt later than this after the first one.", examples=["5d"]
    )

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.longest < self.first:
            raise ValueError(f"longest ({written(self.longest)}) is shorter than first ({written(self.first)})")
        if self.give_up < self.first:
            raise ValueError(f"give_up ({written(self.give_up)}) is shorter than first ({written(self.first)})")
        return self


class PauseAbove(Part):
    """Shares at which the campaign pauses itself, judged from 50 mails on."""

    bounces: Percent = Field(5.0, description="Mails that were refused for good.", examples=["3%"])
    complaints: Percent = Field(0.3, description="People who complained.", examples=["0.1%"])


class Sending(Part):
    """How mails leave."""

    provider: Literal["smtp"] = Field(description="What takes the mails.")
    list_id: ListId | None = Field(
        None, max_length=200, description="The List-Id header.", examples=["release-notes.example.com"]
    )
    mailboxes: Annotated[tuple[Mailbox, ...], Field(min_length=1, max_length=1)] = Field(
        description="Exactly one mailbox in this version.",
        examples=[[{"name": "relay", "address": "news@example.com", "pace": "none"}]],
    )
    window: Window = Field(Window(), description="When mails may leave; left out, always.")
    not_after: Day | None = Field(
        None,
        description="The last day, in the window's time zone; what has not left by then is skipped and listed.",
        examples=["2027-02-28"],
    )
    pause_above: PauseAbove = Field(
        PauseAbove(), description="When the campaign pauses itself, for a person to look at the list."
    )
    in_doubt: InDoubtPolicy = Field(
        InDoubtPolicy.HOLD,
        description="A mail of which nobody can know whether the relay took it: hold it for a person to settle, or "
        "send it again, which can reach people twice.",
    )
    deferred: Deferral = Field(Deferral(), description="How long a mail that the relay put off is tried again.")
