"""Why somebody is a lead: what is stored of their work, their score and where their profile was read."""

import json

from sqlalchemy import select

from domain.fit import score_of
from domain.lead_evidence import LeadEvidence
from domain.time_zone import evidence
from storage.database import Database
from storage.enrichment import work_of
from storage.lead_work import IDENTITY_OF_LEAD, PROFILE_OF_LEAD, PROFILE_READ_AT
from storage.schema import leads, people


class EvidenceRows:
    """Reads what the rows know of one lead that was searched for."""

    def __init__(self, database: Database) -> None:
        """Reads only."""
        self._database = database

    async def read(self, campaign_id: str, number: int) -> LeadEvidence | None:
        """None for a lead that was not searched for, and for one that is not there."""
        columns = (leads.c.login, leads.c.repository, leads.c.fit, leads.c.fit_reasons, leads.c.enriched_at)
        query = (
            select(*columns, IDENTITY_OF_LEAD.label("identity"), PROFILE_READ_AT.label("profile_read_at"))
            .outerjoin(people, PROFILE_OF_LEAD)
            .where(leads.c.campaign_id == campaign_id, leads.c.number == number, leads.c.login != "")
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
            if row is None:
                return None
            work = (await work_of(connection, campaign_id, [row.identity])).get(row.identity, [])
        about = [one for one in work if one.repository.identity == row.repository] or work
        reasons: dict[str, float] = json.loads(row.fit_reasons) if row.fit_reasons else {}
        return LeadEvidence(
            work=about[0] if about else None,
            clock=evidence(one.contribution.offsets for one in work),
            score=row.fit if row.fit is not None else score_of(reasons) if reasons else None,
            reasons=reasons,
            judged_at=row.enriched_at,
            profile_read_at=row.profile_read_at,
            reachable=row.fit is not None,
        )
