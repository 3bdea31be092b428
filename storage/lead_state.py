"""How a lead stands, as SQL: by its own end, or, once there is one, by its message."""

from sqlalchemy import ColumnElement, and_, case, literal

from domain.lead import LeadState
from domain.message import MessageState
from storage.schema import leads, messages

MESSAGE_OF_LEAD = and_(messages.c.campaign_id == leads.c.campaign_id, messages.c.number == leads.c.number)
STATE_OF_LEAD: ColumnElement[str] = case(
    (leads.c.ended.is_not(None), leads.c.ended),
    (messages.c.state == MessageState.SENT, LeadState.CONTACTED),
    (messages.c.state.in_([MessageState.IN_DOUBT, MessageState.FAILED, MessageState.SKIPPED]), messages.c.state),
    else_=LeadState.OPEN,
)
REASON_OF_LEAD: ColumnElement[str] = case(
    (leads.c.ended.is_not(None), leads.c.reason),
    (messages.c.state.in_([MessageState.FAILED, MessageState.SKIPPED]), messages.c.reason),
    else_=literal(""),
)
