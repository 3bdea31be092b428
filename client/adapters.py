"""The only place that chooses adapters: worker, web and command line get theirs here."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from client.settings import Settings
from domain.errors import InputError
from domain.ports import Campaigns, Leads, Ledger, Mailboxes, Relay, Relays, Reports, Reviews, Writer
from domain.source_ports import Discoveries, People, Source
from providers.github.absent import NoSource
from providers.github.address import ApiAddress, check_access, parse_tokens
from providers.github.api import GitHubApi
from providers.github.points import Points, points_left
from providers.github.source import GitHubSource
from providers.github.tokens import Tokens
from providers.relay_address import RelayAddress
from providers.smtp import RehearsalRelay, SmtpRelay
from providers.writing.editing import edited
from providers.writing.template_check import check_templates
from providers.writing.variables import variables
from storage.campaigns import CampaignRows
from storage.database import Database
from storage.discovery import DiscoveryRows
from storage.enrichment import PeopleRows
from storage.evidence import EvidenceRows
from storage.exports import EXPORTS, ExportRows
from storage.keys import Keys
from storage.leads import LeadRows
from storage.ledger import ledger_of
from storage.ledger_figures import LedgerFigureRows
from storage.mailboxes import MailboxRows
from storage.progress import ProgressRows
from storage.reports import ReportRows
from storage.reviews import ReviewRows
from storage.secret_key import check_secret_key
from storage.settling import SettlingRows
from storage.suppression import SuppressionList

__all__ = [
    "EXPORTS",
    "Points",
    "Ports",
    "SmtpRelays",
    "Storage",
    "check_relay",
    "check_templates",
    "edited",
    "github_points",
    "github_source",
    "migrate",
    "open_ports",
    "open_storage",
    "template_writer",
    "variables",
]


@dataclass(frozen=True)
class Storage:
    """The database's rows, by what they are about."""

    campaigns: CampaignRows
    leads: LeadRows
    mailboxes: MailboxRows
    suppressions: SuppressionList
    progress: ProgressRows
    reports: ReportRows
    exports: ExportRows
    evidence: EvidenceRows
    reviews: ReviewRows
    settling: SettlingRows
    discoveries: DiscoveryRows
    people: PeopleRows


@dataclass(frozen=True)
class Ports:
    """What the worker's activities are made of."""

    campaigns: Campaigns
    leads: Leads
    ledger: Ledger
    relays: Relays
    mailboxes: Mailboxes
    reports: Reports
    reviews: Reviews
    discoveries: Discoveries
    people: People
    source: Source
    writer: Writer
    figures: LedgerFigureRows
    public_url: str


class SmtpRelays:
    """domain.ports.Relays: one object per relay, so its limit on connections holds for the whole process.

    When campaigns ask for different numbers of connections, the newest holds for windows that start from then on.
    """

    def __init__(self, settings: Settings) -> None:
        """Relays are looked up in the settings when they are first needed."""
        self._settings = settings
        self._relays: dict[RelayAddress, tuple[int, SmtpRelay]] = {}
        self._rehearsal = RehearsalRelay()

    def relay(self, mailbox: str, connections: int, *, dry_run: bool) -> Relay:
        """See domain.ports.Relays."""
        if dry_run:
            return self._rehearsal
        address = RelayAddress.parse(*self._settings.relay(mailbox))
        known = self._relays.get(address)
        if known is None or known[0] != connections:
            known = self._relays[address] = (connections, SmtpRelay(address, connections))
        return known[1]

    async def close(self) -> None:
        """Close idle connections."""
        for _, relay in self._relays.values():
            await relay.close()


def check_relay(settings: Settings, mailbox: str) -> None:
    """Raise InputError when mail of this mailbox would leave the machine without a public opt-out address."""
    url, variable = settings.relay(mailbox)
    address = RelayAddress.parse(url, variable)
    if not address.loopback and not (settings.public_url or "").startswith("https://"):
        raise InputError(
            f"{variable} is outside this machine, and OUTRIDER_PUBLIC_URL is no https address: "
            "nobody could opt out of these mails",
            hint="set OUTRIDER_PUBLIC_URL to where `outrider web` is reached",
        )


def github_source(settings: Settings) -> GitHubSource:
    """People from GitHub, one object per process; raises InputError when GitHub would be asked without a token."""
    url, variable = settings.github()
    tokens = parse_tokens(settings.github_tokens(), "OUTRIDER_GITHUB_TOKEN")
    address = ApiAddress.parse(url, variable)
    check_access(address, tokens)
    return GitHubSource(GitHubApi(address, Tokens(tokens)))


async def github_points(settings: Settings) -> tuple[str, list[Points]]:
    """GitHub's address and the points of every token; raises InputError without a way to it, else Unreachable."""
    url, variable = settings.github()
    tokens = parse_tokens(settings.github_tokens(), "OUTRIDER_GITHUB_TOKEN")
    address = ApiAddress.parse(url, variable)
    check_access(address, tokens)
    return str(address.base), await points_left(address, tokens)


def source_of(settings: Settings) -> GitHubSource | NoSource:
    """GitHub, or, for a worker that has no way to it, something that lets campaigns wait and say what is missing."""
    try:
        return github_source(settings)
    except InputError as error:
        return NoSource(error)


def template_writer() -> Writer:
    """Drafts from the campaign's own templates."""
    # LangGraph takes a second to import: only those who draft pay for it.
    from providers.writing.graph import DraftingGraph  # noqa: PLC0415
    from providers.writing.templates import TemplateAuthor  # noqa: PLC0415

    return DraftingGraph(TemplateAuthor())


async def migrate(settings: Settings) -> tuple[str | None, str]:
    """Bring the database to the newest revision; returns (before, now)."""
    database = Database(settings.database())
    try:
        return await database.migrate()
    finally:
        await database.close()


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[Storage]:
    """The rows, after checking that revision and secret key are the right ones."""
    database = Database(settings.database())
    try:
        yield await _storage(settings, database)
    finally:
        await database.close()


@asynccontextmanager
async def open_ports(settings: Settings) -> AsyncIterator[Ports]:
    """What a worker needs, with the ledger's writer running."""
    async with AsyncExitStack() as stack:
        database = Database(settings.database())
        stack.push_async_callback(database.close)
        storage = await _storage(settings, database)
        relays = SmtpRelays(settings)
        stack.push_async_callback(relays.close)
        source = source_of(settings)
        stack.push_async_callback(source.close)
        yield Ports(
            campaigns=storage.campaigns,
            leads=storage.leads,
            ledger=await stack.enter_async_context(ledger_of(database)),
            relays=relays,
            mailboxes=storage.mailboxes,
            reports=storage.reports,
            reviews=storage.reviews,
            discoveries=storage.discoveries,
            people=storage.people,
            source=source,
            writer=template_writer(),
            figures=LedgerFigureRows(database),
            public_url=settings.opt_out_base(),
        )


async def _storage(settings: Settings, database: Database) -> Storage:
    await database.check_revision()
    keys = Keys(settings.secret())
    await check_secret_key(database, keys)
    campaigns = CampaignRows(database, keys)
    return Storage(
        campaigns=campaigns,
        leads=LeadRows(database, keys),
        mailboxes=MailboxRows(database),
        suppressions=SuppressionList(database, keys),
        progress=ProgressRows(database, campaigns),
        reports=ReportRows(database, campaigns),
        exports=ExportRows(database),
        evidence=EvidenceRows(database),
        reviews=ReviewRows(database),
        settling=SettlingRows(database),
        discoveries=DiscoveryRows(database, keys),
        people=PeopleRows(database, keys),
    )
