"""Personalization: a draft for each lead of a window, and the message that will carry it."""

from temporalio import activity

from activities.failures import recorded_safely
from activities.in_hand import to_its_end
from domain.campaign import CampaignSpec, CsvAudience, ReviewMode
from domain.lead import Lead, LeadEnd, LeadState
from domain.message import Draft, MessageKey, message_id
from domain.outgoing import fingerprint_of
from domain.permission import refusal
from domain.ports import Campaigns, Leads, NewMessage, Writer
from domain.review import NOBODY
from domain.source_ports import People
from domain.wire import DRAFT_MESSAGES, WindowResult, WindowTask


class PersonalizationActivities:
    """Drafts windows through the Writer port."""

    def __init__(self, campaigns: Campaigns, leads: Leads, people: People, writer: Writer, public_url: str) -> None:
        """`public_url` is where recipients reach the opt-out page, without a slash at its end."""
        self._campaigns = campaigns
        self._leads = leads
        self._people = people
        self._writer = writer
        self._public_url = public_url

    @activity.defn(name=DRAFT_MESSAGES)
    @recorded_safely
    async def draft_messages(self, task: WindowTask) -> WindowResult:
        """Draft what has no draft yet; the counts are those of the whole window.

        A campaign that is paused, or a worker that stops, waits for the slice in hand only; what it stored stays.
        """
        campaign = await self._campaigns.get(task.campaign_id)
        audience = campaign.spec.audience
        if not isinstance(audience, CsvAudience) and audience.score.top is not None:
            await self._people.keep_top(task.campaign_id, audience.score.top)
        leads = await self._leads.undrafted(task.campaign_id, task.first, task.last)
        at_once = self._writer.at_once
        for start in range(0, len(leads), at_once):
            if activity.is_worker_shutdown():
                break
            await to_its_end(self._draft(task.campaign_id, campaign.spec, leads[start : start + at_once]))
        counts = await self._leads.drafting_counts(task.campaign_id, task.first, task.last)
        undrafted = counts.pop(LeadState.OPEN, 0)
        return WindowResult(counts=counts, open=undrafted)

    async def _draft(self, campaign_id: str, spec: CampaignSpec, leads: list[Lead]) -> None:
        urls = [f"{self._public_url}/u/{lead.opt_out_token}" for lead in leads]
        written = await self._writer.write(spec, leads, urls)
        messages = [
            _message(campaign_id, spec, lead, url, draft)
            for lead, url, draft in zip(leads, urls, written, strict=True)
            if isinstance(draft, Draft)
        ]
        await self._leads.store_drafts(campaign_id, messages, [end for end in written if isinstance(end, LeadEnd)])


def _message(campaign_id: str, spec: CampaignSpec, lead: Lead, opt_out_url: str, draft: Draft) -> NewMessage:
    mailbox = spec.sending.mailboxes[0]
    basis = lead.permission_basis or (spec.permission.basis if spec.permission else "")
    return NewMessage(
        draft=draft,
        message_id=message_id(MessageKey(campaign_id, lead.number, draft.step), lead.opt_out_token, mailbox.address),
        recipient=lead.email,
        mailbox=mailbox.name,
        basis=basis,
        opt_out_url=opt_out_url,
        fingerprint=fingerprint_of(spec, mailbox, draft, lead.email, opt_out_url),
        skipped=refusal(spec, lead.permission_basis, lead.extra) or "",
        approved_by=NOBODY if spec.review.mode is ReviewMode.NONE else "",
    )
