"""Values that rows and sums are made of: an answer in which one is something else cannot be read."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

Mark = Annotated[str, StringConstraints(pattern=r"^[ -~]{0,1000}$")]
"""An identity or a cursor: rows are found by it, so it is kept as it is or not at all."""

Instant = Annotated[AwareDatetime, Field(ge=datetime(2, 1, 1, tzinfo=UTC), le=datetime(9998, 12, 31, tzinfo=UTC))]
"""A time that can be compared with others, and moved to UTC."""

Cost = Annotated[int, Field(ge=0, le=1_000_000)]
"""Points; a token has some thousands an hour."""
