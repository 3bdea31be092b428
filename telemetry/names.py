"""Names of spans and of their attributes. docs/reference/traces.md lists them; people search and alert by them."""

from enum import StrEnum


class Tool(StrEnum):
    """Calls to something outside this process, as `provider.operation`."""

    GITHUB_GRAPHQL = "github.graphql"
    GITHUB_RATE_LIMIT = "github.rate_limit"
    """How many points a token has left; costs none."""
    SMTP_CONNECT = "smtp.connect"
    SMTP_SESSION = "smtp.session"
    """Many mails over one connection."""
    SMTP_TRANSACTION = "smtp.transaction"
    LEDGER_CLAIM = "ledger.claim"
    DATABASE_STATEMENT = "database.statement"
    """One that was slow."""


class Command(StrEnum):
    """What somebody asked for: with `campaign.create` a campaign's trace begins."""

    CREATE = "campaign.create"
    START = "campaign.start"
    PAUSE = "campaign.pause"
    RESUME = "campaign.resume"
    CANCEL = "campaign.cancel"
    APPROVE = "campaign.approve"
    RECHECK = "campaign.recheck"
    RETRY = "campaign.retry"
    RESOLVE = "campaign.resolve"


class Outcome(StrEnum):
    """What became of a tool call."""

    OK = "ok"
    REFUSED = "refused"
    """It said no, and will say no again."""
    RETRY = "retry"
    """It said: not now."""
    FAILED = "failed"
    """It did not do it."""
    UNKNOWN = "unknown"
    """Nobody can know whether it did it."""


class Attribute(StrEnum):
    """What spans say. Ids, counts, codes and our own words: nothing about a person, nothing that somebody typed."""

    CAMPAIGN = "campaign.id"
    STAGE = "stage"
    WINDOW = "window"
    ATTEMPT = "attempt"
    LEAD_NUMBER = "lead.number"
    STEP = "step"
    PROVIDER = "tool.provider"
    OPERATION = "tool.operation"
    OUTCOME = "outcome"
    ERROR_TYPE = "error.type"
    RETRY_AFTER = "retry_after_seconds"
    HTTP_STATUS = "http.response.status_code"
    QUERY = "github.query"
    REQUEST_ID = "github.request_id"
    TOKEN_NUMBER = "github.token_number"  # noqa: S105 which of them, not the token
    POINTS = "github.points"
    POINTS_LEFT = "github.points_left"
    GITHUB_ANSWER = "github.answer"
    SMTP_PHASE = "smtp.phase"
    SMTP_CODE = "smtp.reply_code"
    SMTP_ENHANCED = "smtp.enhanced_code"
    MAILS = "mails"
    MAILS_OK = "mails.ok"
    MAILS_REFUSED = "mails.refused"
    MAILS_RETRY = "mails.retry"
    MAILS_FAILED = "mails.failed"
    MAILS_UNKNOWN = "mails.unknown"
    CLAIMED = "ledger.claimed"
    DB_SYSTEM = "db.system.name"
    DB_OPERATION = "db.operation.name"
    LINK = "link"
    """On links: `activity` or `window`, what is at its other end."""
