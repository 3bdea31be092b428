"""How a lead stands, as SQL: by its own end, or, once there is one, by its message."""

from sqlalchemy import ColumnElement, and_, case, literal

from domain.lead import LeadState
from domain.message import MessageState
from storage.schema import leads, messages

MESSAGE_OF_LEAD = and_(messages.c.campaign_id == leads.c.campaign_id, messages.c.number == leads.c.number)
_STOPPED_BY_A_PERSON = (LeadState.CANCELLED, LeadState.REJECTED)
"""Reasons of skipped messages that are states of their leads."""

_STOPPED = and_(messages.c.state == MessageState.SKIPPED, messages.c.reason.in_(_STOPPED_BY_A_PERSON))
STATE_OF_LEAD: ColumnElement[str] = case(
    (leads.c.ended.is_not(None), leads.c.ended),
    (messages.c.state == MessageState.SENT, LeadState.CONTACTED),
    (_STOPPED, messages.c.reason),
    (messages.c.state.in_([MessageState.IN_DOUBT, MessageState.FAILED, MessageState.SKIPPED]), messages.c.state),
    else_=LeadState.OPEN,
)
REASON_OF_LEAD: ColumnElement[str] = case(
    (leads.c.ended.is_not(None), leads.c.reason),
    (_STOPPED, literal("")),
    (messages.c.state.in_([MessageState.FAILED, MessageState.SKIPPED]), messages.c.reason),
    else_=literal(""),
)
