"""GitHub as a source of people: its GraphQL API, its limits, and what its answers mean."""
