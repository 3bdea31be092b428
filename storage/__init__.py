"""Rows: people, drafts, the send ledger."""
