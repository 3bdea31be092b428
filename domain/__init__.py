"""Rules and payloads: pydantic and the standard library only."""
