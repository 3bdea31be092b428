"""Log lines: one order of fields, one level for all, no secret and no address whoever wrote them."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from seen_spans import of, seen_spans

from client.settings import load_settings
from telemetry.logging import configure, get_logger
from telemetry.names import Tool
from telemetry.redaction import Redaction
from telemetry.tool_calls import tool_call


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """The next test finds logging as this one did."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("written to kim@example.com.", "written to [address]."),
        ("<kim.o'hara+news@mail.example.co.uk>", "<[address]>"),
        ("mailto:kim@bücher.example,lee@example.org", "mailto:[address],[address]"),
        ('to "kim lee"@example.com', "to [address]"),
        ("kim@[10.0.0.1] and kim@[IPv6:::1]", "[address] and [address]"),
        ("/unsubscribe?who=kim%40example.com", "/unsubscribe?who=[address]"),
        ("key=hunter22-long and more", "key=[secret] and more"),
        ("smtp://relay:hunter22-long@mail.example.com:587", "smtp://relay:[secret]@mail.example.com:587"),
        ("worker 4711@machine", "worker 4711@machine"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_and_addresses_are_taken_out(text: str, safe: str) -> None:
    redaction = Redaction({"hunter22-long", "hunter22", "short"})
    assert redaction.safe(text) == safe


def test_they_are_taken_out_of_everything_that_a_line_holds() -> None:
    stream = io.StringIO()
    configure("INFO", {"sentinel-secret"}, stream)
    log = get_logger("test")
    log.info(
        "a.b", one=["kim@example.com"], two={"kim@example.com": ("sentinel-secret",)}, three=ValueError("kim@x.org")
    )
    logging.getLogger("somebody.else").warning("%s for %s", "sentinel-secret", "kim@example.com")
    log.error("c.d", exc_info=ValueError("kim@example.com"))
    assert len(logged(stream)) == 3
    for hidden in ("kim@", "sentinel-secret"):
        assert hidden not in stream.getvalue()


def test_a_line_says_where_it_was_written() -> None:
    stream = io.StringIO()
    configure("INFO", (), stream)
    with seen_spans() as spans:
        with tool_call(Tool.LEDGER_CLAIM):
            get_logger("test").info("a.b", attempt=1, campaign_id="c", x=1)
        (span,) = spans.named(Tool.LEDGER_CLAIM)
    get_logger("test").info("c.d")
    inside, outside = logged(stream)
    assert list(inside) == [
        *("timestamp", "level", "event", "campaign_id", "attempt"),
        *("logger_name", "x", "trace_id", "span_id"),
    ]
    assert (inside["trace_id"], inside["span_id"]) == (f"{of(span).trace_id:032x}", f"{of(span).span_id:016x}")
    assert "trace_id" not in outside


def test_the_level_holds_for_all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    for level, expected in (("DEBUG", 4), ("INFO", 3), ("ERROR", 1)):
        monkeypatch.setenv("LOG_LEVEL", level)
        stream = io.StringIO()
        configure(load_settings().log_level, (), stream)
        log = structlog.get_logger(f"test-{level}")
        log.debug("a")
        log.info("b")
        logging.getLogger("temporalio.workflow").info("c")
        log.error("d")
        assert len(logged(stream)) == expected


def test_a_terminal_gets_lines_for_people() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    configure("INFO", (), stream)
    get_logger("test").info("mail.sent", campaign_id="c")
    assert "mail.sent" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_every_secret_of_the_settings_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OUTRIDER_DATABASE_URL": "postgresql+asyncpg://me:dbsentinel@127.0.0.1/x",
        "OUTRIDER_SECRET_KEY": "keysentinel-keysentinel",
        "OUTRIDER_GITHUB_TOKEN": "ghp_one_sentinel,ghp_two_sentinel",
        "OUTRIDER_SMTP_URL": "smtp://me:p%40sssentinel@127.0.0.1:25",
        "OUTRIDER_MAILBOX_DANA_SMTP_URL": "smtp://me:mailboxsentinel@127.0.0.1:25",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=everybody, authorization=Bearer%20headersentinel",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://me:c%6Fllectorsentinel@127.0.0.1:4318",
    }.items():
        monkeypatch.setenv(name, value)
    redaction = Redaction(load_settings().secrets())
    for secret in (
        *("dbsentinel", "keysentinel-keysentinel", "ghp_one_sentinel", "ghp_two_sentinel"),
        *("p%40sssentinel", "p@sssentinel", "mailboxsentinel", "authorization=Bearer%20headersentinel"),
        *("Bearer headersentinel", "headersentinel", "c%6Fllectorsentinel", "collectorsentinel"),
    ):
        assert "sentinel" not in str(redaction.safe(f"it said {secret} to me")), secret
    for word in ("everybody", "http://127.0.0.1:4318"):
        assert redaction.safe(word) == word
