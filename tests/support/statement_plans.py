"""What an SQLite database was asked during a test, and how it says it would find the rows."""

import re
import sqlite3
from contextlib import closing

from sqlalchemy import event
from stored_campaigns import StoredCampaigns

from storage.schema import metadata


class Statements:
    """Every statement that runs from now on."""

    def __init__(self, stored: StoredCampaigns) -> None:
        self._path = stored.path
        self._said: list[str] = []
        event.listen(stored.database.backend.engine.sync_engine, "before_cursor_execute", self._note)

    def steps(self) -> list[str]:
        """The steps of their plans."""
        with closing(sqlite3.connect(self._path)) as connection:
            return [
                row[3]
                for statement in dict.fromkeys(self._said)
                for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?"))
            ]

    def scans(self) -> list[str]:
        """Steps that read a whole table."""
        steps = self.steps()
        assert len(steps) >= len(set(self._said)) > 0
        return [step for step in steps if re.match(rf"SCAN ({'|'.join(metadata.tables)})\b", step)]

    def over_whole_campaigns(self) -> list[str]:
        """Steps that find rows by the campaign alone, or all of its people who can be written to."""
        whole = re.compile(r"SEARCH (?!campaigns).*\(campaign_id=\?( AND fit>\?)?\)")
        return [step for step in self.steps() if whole.fullmatch(step)]

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("SELECT", "INSERT", "UPDATE")):
            self._said.append(statement)
