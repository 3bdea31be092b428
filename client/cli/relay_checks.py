"""Whether mails can leave: stopped mailboxes, and each relay once, however many mailboxes it has."""

from collections.abc import AsyncIterator, Sequence

from client.adapters import SmtpRelays, check_relay
from client.cli.check import Check, Verdict, some
from client.settings import Settings
from domain.errors import InputError, OutriderError, RelayUnavailable
from domain.ports import MailboxState

_NAME = "relay"
_ANY_MAILBOX = "<NAME>"
"""Stands for a mailbox while none was used: what it finds is the relay of all that have none of their own."""


async def relay_checks(settings: Settings, mailboxes: Sequence[MailboxState]) -> AsyncIterator[Check]:
    """What stands in the way of mails. No mail is sent."""
    for names in _by_relay(settings, [one.name for one in mailboxes] or [_ANY_MAILBOX]):
        async for check in _relay(settings, names):
            yield check


def stopped_mailboxes(mailboxes: Sequence[MailboxState]) -> list[Check]:
    """One line for each reason."""
    stopped: dict[str, list[str]] = {}
    for one in mailboxes:
        if one.stopped_reason:
            stopped.setdefault(one.stopped_reason, []).append(one.name)
    return [
        Check(
            name="mailbox",
            verdict=Verdict.WARNING,
            detail=f"{some(names)} {'is' if len(names) == 1 else 'are'} stopped: {reason}",
            way_out=f"outrider mailbox resume {names[0]}{'; then the others' if len(names) > 1 else ''}",
        )
        for reason, names in stopped.items()
    ]


def _by_relay(settings: Settings, mailboxes: Sequence[str]) -> list[list[str]]:
    """Mailboxes of the same relay together; those that have none too."""
    found: dict[tuple[str, str] | None, list[str]] = {}
    for mailbox in mailboxes:
        try:
            relay = settings.relay(mailbox)
        except InputError:
            relay = None
        found.setdefault(relay, []).append(mailbox)
    return list(found.values())


async def _relay(settings: Settings, mailboxes: Sequence[str]) -> AsyncIterator[Check]:
    """Connects as a worker does (greeting, TLS, login), says goodbye, and hands nothing over."""
    mailbox, *others = mailboxes
    whose = "" if mailbox == _ANY_MAILBOX else f"; for {some(mailboxes)}"
    try:
        _, variable = settings.relay(mailbox)
    except InputError as error:
        none = f"no relay: neither OUTRIDER_SMTP_URL nor the variable of a mailbox is set{whose}"
        detail = none if mailbox == _ANY_MAILBOX or others else error.line
        yield Check(name=_NAME, verdict=Verdict.FAILED, detail=detail, way_out=error.hint)
        return
    relays = SmtpRelays(settings)
    try:
        async with relays.relay(mailbox, 1, dry_run=False).connection():
            pass
    except RelayUnavailable as error:
        yield Check(name=_NAME, verdict=Verdict.FAILED, detail=f"{error.line}{whose}", way_out=variable)
        return
    except OutriderError as error:
        yield Check(name=_NAME, verdict=Verdict.FAILED, detail=f"{error.line}{whose}", way_out=error.hint)
        return
    finally:
        await relays.close()
    yield Check(name=_NAME, verdict=Verdict.OK, detail=f"answers; from {variable}{whose}")
    try:
        check_relay(settings, mailbox)
    except InputError as error:
        yield Check(name="opt-out", verdict=Verdict.FAILED, detail=error.line, way_out=error.hint)
