"""Who controls a campaign, and what people decided about its drafts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table. Drafts that are there were made for campaigns without a review."""
    op.create_table(
        "campaign_events",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"], name=op.f("fk_campaign_events_campaigns")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_campaign_events")),
        sa.UniqueConstraint(
            "campaign_id",
            "at",
            "kind",
            "number",
            "step",
            name=op.f("uq_campaign_events_campaign_id_at_kind_number_step"),
        ),
    )
    op.add_column("campaigns", sa.Column("priority", sa.Integer(), nullable=False, server_default="3"))
    op.add_column("campaigns", sa.Column("paused_at", sa.BigInteger(), nullable=True))
    op.add_column("campaigns", sa.Column("paused_by", sa.Text(), nullable=True))
    op.add_column("campaigns", sa.Column("paused_reason", sa.Text(), nullable=True))
    op.add_column("campaigns", sa.Column("judged_since", sa.BigInteger(), nullable=True))
    op.add_column("drafts", sa.Column("decision", sa.String(length=16), nullable=True))
    op.add_column("drafts", sa.Column("decided_at", sa.BigInteger(), nullable=True))
    op.add_column("drafts", sa.Column("decided_by", sa.Text(), nullable=True))
    op.add_column("drafts", sa.Column("decision_reason", sa.Text(), nullable=True))
    op.execute("UPDATE drafts SET decision = 'approved', decided_by = 'review: none', decided_at = created_at")
    op.add_column("messages", sa.Column("settled_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE messages SET settled_at = coalesce(sent_at, began_at) WHERE state IN ('sent', 'failed')")
    op.create_index(
        op.f("ix_messages_campaign_id_settled_at"),
        "messages",
        ["campaign_id", "settled_at"],
        sqlite_where=sa.text("settled_at IS NOT NULL"),
        postgresql_where=sa.text("settled_at IS NOT NULL"),
    )
