"""Reporting: the last stage, which also closes the campaign's row."""

from temporalio import activity

from activities.failures import recorded_safely
from domain.campaign import CampaignStatus, Stage
from domain.ports import Campaigns, Reports
from domain.wire import WRITE_REPORT, ReportTask
from telemetry.logging import get_logger

_log = get_logger(__name__)


class ReportingActivities:
    """Writes the report through the Reports port."""

    def __init__(self, campaigns: Campaigns, reports: Reports) -> None:
        """`reports` reads the rows and keeps the artifacts."""
        self._campaigns = campaigns
        self._reports = reports

    @activity.defn(name=WRITE_REPORT)
    @recorded_safely
    async def write_report(self, task: ReportTask) -> None:
        """Store the final report, then close the campaign; repeating it replaces the same artifacts."""
        status = CampaignStatus.CANCELLED if task.cancelled else CampaignStatus.COMPLETED
        report = await self._reports.read(task.campaign_id)
        report = report.model_copy(update={"status": status, "finished_at": report.as_of})
        await self._reports.keep(report)
        await self._campaigns.set_status(task.campaign_id, status, Stage.REPORTING)
        sent, adds_up = report.messages.sent, report.adds_up
        _log.info("campaign.ended", status=status, sent=sent, adds_up=adds_up)
