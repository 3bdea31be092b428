"""Whether a person may be written to: the basis, the sender's identity and the evidence that the spec asks for."""

from collections.abc import Mapping

from domain.campaign import CampaignSpec, PermissionBasis


def basis(spec: CampaignSpec, lead_basis: str) -> PermissionBasis | None:
    """The permission basis that holds for a lead: what its row states, "" when it states none, else the spec's."""
    if lead_basis:
        return PermissionBasis(lead_basis)
    return spec.permission.basis if spec.permission else None


def refusal(spec: CampaignSpec, lead_basis: str, evidence: Mapping[str, str]) -> str | None:
    """Why nothing may be sent to a lead, as a snake_case reason, or None when it may be written to.

    `lead_basis` is the `permission_basis` of the lead's row, "" when it states none; `evidence` are the row's further
    columns.
    """
    holds = basis(spec, lead_basis)
    if holds is None:
        return "no_permission_basis"
    if holds is PermissionBasis.LEGITIMATE_INTEREST and not (spec.permission and spec.permission.note):
        return "no_note"
    if spec.sender is None:
        return "no_identity"
    if spec.sender.postal_address is None:
        return "no_postal_address"
    required = spec.permission.require_evidence if spec.permission else ()
    missing = next((column for column in required if not evidence.get(column, "").strip()), None)
    return f"no_evidence:{missing}" if missing else None
