"""Without a permission basis, an identity and a postal address drafts are made and nothing is sent."""

from typing import Any

import pytest
from local_world import World, people, spec

from domain.campaign import CampaignSpec, Permission, PermissionBasis
from domain.lead import NewLead


def _without(field: str) -> CampaignSpec:
    whole = spec()
    assert whole.sender is not None
    changes: dict[str, Any] = {
        "permission": {"permission": None},
        "sender": {"sender": None},
        "postal_address": {"sender": whole.sender.model_copy(update={"postal_address": None})},
    }
    return whole.model_copy(update=changes[field])


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("permission", "no_permission_basis"),
        ("sender", "no_identity"),
        ("postal_address", "no_postal_address"),
    ],
)
async def test_drafts_are_made_and_nothing_is_sent(world: World, field: str, reason: str) -> None:
    world.start_worker()
    async with world.client() as client:
        started = await client.create(_without(field), people(20))
        report = await client.result(started.campaign_id)
        drafts = [row async for row in client.export(started.campaign_id, "drafts")]
    assert report.leads == {f"skipped:{reason}": 20}
    assert report.adds_up
    assert len(drafts) == 20
    assert world.inbox.counts()["connections_total"] == 0


async def test_a_row_with_its_own_basis_and_evidence_is_written_to_and_the_basis_is_kept(world: World) -> None:
    asked = spec().model_copy(
        update={"permission": Permission(basis=PermissionBasis.CONSENT, require_evidence=("consented_at",))}
    )

    def lead(name: str, consented_at: str, basis: str = "") -> NewLead:
        return NewLead(
            source_identity=name,
            email=f"{name}@example.com",
            permission_basis=basis,
            extra={"consented_at": consented_at},
        )

    world.start_worker()
    async with world.client() as client:
        started = await client.create(
            asked,
            [
                lead("ana", "2026-01-02"),
                lead("ben", " "),
                lead("cem", "2026-01-02", "existing_relationship"),
            ],
        )
        report = await client.result(started.campaign_id)
        ledger = {row["recipient"]: row async for row in client.export(started.campaign_id, "ledger")}
    assert report.leads == {"contacted": 2, "skipped:no_evidence:consented_at": 1}
    assert ledger["ana@example.com"]["permission_basis"] == "consent"
    assert ledger["cem@example.com"]["permission_basis"] == "existing_relationship"
    assert {recipient for _, recipient in world.inbox.held()} == {"ana@example.com", "cem@example.com"}
