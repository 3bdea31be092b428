"""Where in its trace a message's event happened: the trace alone does not say in which connection's session."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Events of before belong to no trace."""
    op.add_column("message_events", sa.Column("span_id", sa.String(length=16), nullable=True))
