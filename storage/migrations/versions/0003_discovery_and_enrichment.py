"""What a search sees, page by page, and how what it found becomes somebody who can be written to."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and the columns. Leads that are there came from a file and need no enrichment."""
    op.create_table(
        "slices",
        sa.Column("campaign_id", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("incomplete", sa.Boolean(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'done', 'split', 'not_needed')", name=op.f("ck_slices_state")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"], name=op.f("fk_slices_campaigns")),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_slices")),
    )
    op.create_table(
        "pages",
        sa.Column("campaign_id", sa.String(length=80), nullable=False),
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "slice"], ["slices.campaign_id", "slices.number"], name=op.f("fk_pages_slices")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "slice", "cursor", name=op.f("pk_pages")),
    )
    op.create_table(
        "repositories",
        sa.Column("campaign_id", sa.String(length=80), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"], name=op.f("fk_repositories_campaigns")),
        sa.PrimaryKeyConstraint("campaign_id", "identity", name=op.f("pk_repositories")),
    )
    op.create_table(
        "contributions",
        sa.Column("campaign_id", sa.String(length=80), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("commits", sa.Integer(), nullable=False),
        sa.Column("last_commit_at", sa.BigInteger(), nullable=False),
        sa.Column("offsets", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"], name=op.f("fk_contributions_campaigns")),
        sa.PrimaryKeyConstraint("campaign_id", "identity", "repository", name=op.f("pk_contributions")),
    )
    op.create_table(
        "onlookers",
        sa.Column("campaign_id", sa.String(length=80), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"], name=op.f("fk_onlookers_campaigns")),
        sa.PrimaryKeyConstraint("campaign_id", "identity", name=op.f("pk_onlookers")),
    )
    op.create_table(
        "people",
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_people")),
    )
    op.add_column("leads", sa.Column("login", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("leads", sa.Column("repository", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("leads", sa.Column("fit", sa.Float(), nullable=True))
    op.add_column("leads", sa.Column("fit_reasons", sa.Text(), nullable=True))
    op.add_column("leads", sa.Column("enriched_at", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_leads_campaign_id_fit_number"),
        "leads",
        ["campaign_id", "fit", "number"],
        sqlite_where=sa.text("fit IS NOT NULL"),
        postgresql_where=sa.text("fit IS NOT NULL"),
    )
