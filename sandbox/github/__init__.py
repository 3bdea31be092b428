"""A GitHub of invented people on loopback: GraphQL and REST with points and faults, and a truth table to check against.

Run it with `python -m sandbox.github`.
"""
