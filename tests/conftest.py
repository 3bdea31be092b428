"""What holds for every test: whoever runs the suite may have a relay, a database and a Temporal of their own."""

import os


def pytest_configure() -> None:
    """Forget this person's settings: no test may reach a real relay or write to a real database."""
    for name in [name for name in os.environ if name.startswith(("OUTRIDER_", "TEMPORAL_", "OTEL_"))]:
        del os.environ[name]
