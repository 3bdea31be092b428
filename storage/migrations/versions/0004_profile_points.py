"""What reading profiles cost, so that the report can say what a search cost as a whole."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. What campaigns spent before is in their logs only."""
    op.add_column("campaigns", sa.Column("profile_points", sa.Integer(), server_default="0", nullable=False))
