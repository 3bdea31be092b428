"""The tables, as SQLAlchemy Core. The migrations must add up to exactly this (tests/storage/test_migrations.py)."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from domain.message import MessageState
from domain.sourcing import SliceState

_MILLISECONDS = 1000


def to_stored(at: datetime) -> int:
    """Milliseconds since the epoch, UTC: the one spelling of a time that compares alike on every database."""
    return round(at.timestamp() * _MILLISECONDS)


def from_stored(milliseconds: int) -> datetime:
    """The UTC time of a stored number."""
    return datetime.fromtimestamp(milliseconds / _MILLISECONDS, UTC)


class Moment(TypeDecorator[datetime]):
    """A UTC time, stored as milliseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 its signature
        """To the database."""
        return None if value is None else to_stored(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 its signature
        """From the database."""
        return None if value is None else from_stored(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign_id", String(80), primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("spec_sha256", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("stage", String(16)),
    Column("control", String(8), nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("numbered", Integer, nullable=False),
    Column("waiting_stage", String(16)),
    Column("waiting_reason", String(32)),
    Column("waiting_since", Moment),
    Column("waiting_until", Moment),
    Column("priority", Integer, nullable=False, server_default="3"),
    Column("paused_at", Moment),
    Column("paused_by", Text),
    Column("paused_reason", Text),
    # Breakers judge what was sent since then: a person who resumes has looked at what came before.
    Column("judged_since", Moment),
    # What the source charged for reading profiles; what the search cost stands with its slices.
    Column("profile_points", Integer, nullable=False, server_default="0"),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
)

# What people and breakers did to campaigns. Written again by a retried activity, a change is still one row.
campaign_events = Table(
    "campaign_events",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("campaign_id", String(80), nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # 0 = the whole campaign
    Column("number", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"]),
    UniqueConstraint("campaign_id", "at", "kind", "number", "step"),
)

leads = Table(
    "leads",
    metadata,
    Column("campaign_id", String(80), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("source_identity", Text, nullable=False),
    Column("address_identity", String(32), nullable=False),
    Column("domain_identity", String(32), nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("permission_basis", Text, nullable=False),
    Column("extra", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("opt_out_token", String(22), nullable=False, unique=True),
    # Only ends that come before a message exists; afterwards the messages say how the lead stands.
    Column("ended", String(16)),
    Column("reason", Text),
    Column("created_at", Moment, nullable=False),
    # What a search found is filled in by enrichment; until then it has no address, which is "" and not somebody's.
    Column("login", Text, nullable=False, server_default=text("''")),
    Column("repository", Text, nullable=False, server_default=text("''")),
    # Of those who can be written to and of nobody else; the reasons of everybody who was judged.
    Column("fit", Float),
    Column("fit_reasons", Text),
    Column("enriched_at", Moment),
    ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"]),
    UniqueConstraint("campaign_id", "source_identity"),
    Index(None, "address_identity"),
    Index(
        None,
        "campaign_id",
        "fit",
        "number",
        sqlite_where=text("fit IS NOT NULL"),
        postgresql_where=text("fit IS NOT NULL"),
    ),
)

# What is searched, in parts that one worker at a time goes through page by page.
slices = Table(
    "slices",
    metadata,
    Column("campaign_id", String(80), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("query", Text, nullable=False),
    # The page that is next, "" = the first.
    Column("cursor", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("incomplete", Boolean, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("gone", Integer, nullable=False),
    Column("points", Integer, nullable=False),
    ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"]),
    CheckConstraint(f"state IN ({', '.join(repr(str(state)) for state in SliceState)})", name="state"),
)

pages = Table(
    "pages",
    metadata,
    Column("campaign_id", String(80), primary_key=True),
    Column("slice", Integer, primary_key=True),
    Column("cursor", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    # Leads that it brought, and everybody who was on it.
    Column("people", Integer, nullable=False),
    Column("looked_at", Integer, nullable=False),
    ForeignKeyConstraint(["campaign_id", "slice"], ["slices.campaign_id", "slices.number"]),
)

repositories = Table(
    "repositories",
    metadata,
    Column("campaign_id", String(80), primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("facts", Text, nullable=False),
    ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"]),
)

contributions = Table(
    "contributions",
    metadata,
    Column("campaign_id", String(80), primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("repository", Text, primary_key=True),
    Column("login", Text, nullable=False),
    Column("commits", Integer, nullable=False),
    Column("last_commit_at", Moment, nullable=False),
    Column("offsets", Text, nullable=False),
    ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"]),
)

# People whom a source showed and who are no leads: only so that they can be counted, each once.
onlookers = Table(
    "onlookers",
    metadata,
    Column("campaign_id", String(80), primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("reason", String(32), nullable=False),
    ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"]),
)

# Profiles as they were last read, for all campaigns.
people = Table(
    "people",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("read_at", Moment, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("address_identity", String(32), primary_key=True),
    Column("campaign_id", String(80), nullable=False),
    Column("contacted_at", Moment, nullable=False),
    # What to go back to when the mail is refused before anything reached the person.
    Column("previous_at", Moment),
)

drafts = Table(
    "drafts",
    metadata,
    Column("campaign_id", String(80), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("opt_out_url", Text, nullable=False),
    Column("author", String(32), nullable=False),
    Column("version", String(32), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    # approved or rejected; none = somebody has to decide, and until then the ledger claims nothing of it.
    Column("decision", String(16)),
    Column("decided_at", Moment),
    Column("decided_by", Text),
    Column("decision_reason", Text),
    Column("created_at", Moment, nullable=False),
    ForeignKeyConstraint(["campaign_id", "number"], ["leads.campaign_id", "leads.number"]),
)

_SETTLED = text("settled_at IS NOT NULL")

messages = Table(
    "messages",
    metadata,
    Column("campaign_id", String(80), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("recipient", Text, nullable=False),
    Column("address_identity", String(32), nullable=False),
    Column("domain_identity", String(32), nullable=False),
    Column("receiver", Text, nullable=False),
    Column("mailbox", String(64), nullable=False),
    Column("basis", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", String(16)),
    Column("token", String(32)),
    Column("attempts", Integer, nullable=False),
    Column("reply_code", Integer),
    Column("reply_enhanced", String(16)),
    Column("scheduled_at", Moment, nullable=False),
    Column("next_at", Moment),
    Column("first_attempt_at", Moment),
    Column("began_at", Moment),
    Column("sent_at", Moment),
    # When it was sent or failed: what the breakers judge by. Only what is settled is in the index.
    Column("settled_at", Moment),
    ForeignKeyConstraint(["campaign_id", "number"], ["leads.campaign_id", "leads.number"]),
    UniqueConstraint("campaign_id", "address_identity", "step"),
    Index(None, "campaign_id", "settled_at", sqlite_where=_SETTLED, postgresql_where=_SETTLED),
    CheckConstraint(f"state IN ({', '.join(repr(str(state)) for state in MessageState)})", name="state"),
)

message_events = Table(
    "message_events",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("campaign_id", String(80), nullable=False),
    Column("number", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("state", String(16), nullable=False),
    Column("cause", Text, nullable=False),
    Column("token", String(32)),
    Column("reply_code", Integer),
    Column("reply_text", Text),
    Column("trace_id", String(32)),
    Column("span_id", String(16)),
    Index(None, "campaign_id", "number", "step"),
)

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("stopped_reason", Text),
    Column("stopped_at", Moment),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("identity", String(32), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("since", Moment, nullable=False),
)

errors = Table(
    "errors",
    metadata,
    Column("error_id", Integer, primary_key=True),
    Column("campaign_id", String(80), nullable=False),
    Column("at", Moment, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("number", Integer),
    Column("line", Integer),
    Column("message", Text, nullable=False),
    Index(None, "campaign_id"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("campaign_id", String(80), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
)

secret_keys = Table(
    "secret_keys",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("since", Moment, nullable=False),
)
