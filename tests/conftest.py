"""What holds for every test: settings of nobody in particular, and tools that are there before the first test."""

import contextlib
import os

import go_tools
import pytest


def pytest_configure() -> None:
    """Forget this person's settings: no test may reach a real relay or write to a real database."""
    for name in [name for name in os.environ if name.startswith(("OUTRIDER_", "TEMPORAL_", "OTEL_"))]:
        del os.environ[name]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what tests marked `go_tools` need before the first of them: the time of a test is too short for it."""
    if session.config.option.collectonly or not any(item.get_closest_marker("go_tools") for item in session.items):
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    # What cannot be built is said again by each test that needs it.
    with capture.global_and_fixture_disabled(), contextlib.suppress(go_tools.GoToolMissing):
        go_tools.obtain_all(go_tools.TOOLS)
