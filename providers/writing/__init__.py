"""Drafting: facts and a campaign's texts in, finished drafts out.

Importing this package imports nothing: commands that only look at templates must not pay for LangGraph.
"""
