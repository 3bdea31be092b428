"""A mail relay and its inbox in one process: SMTP in, a page and JSON out, faults on demand.

Start it as its own process: `python -m sandbox.inbox --smtp-port 0 --http-port 0`.
"""
