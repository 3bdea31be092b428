"""Runs the relay and its inbox until SIGTERM or SIGINT.

Prints one JSON line on stdout when both ports listen: `{"smtp_port": …, "http_port": …, "pid": …}`.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from sandbox.inbox.api import Api
from sandbox.inbox.faults import Faults
from sandbox.inbox.listener import Listener
from sandbox.inbox.mailbox import Mailbox
from sandbox.inbox.page import Page
from sandbox.inbox.smtp import InboxSMTP
from sandbox.listening import HttpServer, listen


@dataclass(frozen=True, slots=True)
class Options:
    """The command line; port 0 lets the system choose."""

    host: str
    smtp_port: int
    http_port: int
    store: Path | None


def parse(arguments: list[str]) -> Options:
    """Read the command line; a mistake is one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.inbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="IPv4 address or name to listen on (default: %(default)s)")
    parser.add_argument("--smtp-port", type=int, default=2525, help="0 = any free port (default: %(default)s)")
    parser.add_argument("--http-port", type=int, default=8025, help="0 = any free port (default: %(default)s)")
    parser.add_argument("--store", default="none", metavar="DIR|none", help="also write each mail to DIR as .eml")
    given = parser.parse_args(arguments)
    store = None if given.store == "none" else Path(given.store)
    if store is not None and not store.is_dir():
        parser.error(f"--store: {store} is not a directory; create it, or use none")
    return Options(given.host, given.smtp_port, given.http_port, store)


async def serve(options: Options) -> None:
    """Serve SMTP and HTTP in one event loop until a signal comes."""
    mailbox = Mailbox(options.store)
    faults = Faults()
    listener = Listener(
        listen("--smtp-port", options.host, options.smtp_port),
        lambda connections: InboxSMTP(mailbox, faults, connections),
    )
    http_socket = listen("--http-port", options.host, options.http_port)
    app = Starlette(routes=[*Page(mailbox, faults, listener).routes(), *Api(mailbox, faults, listener).routes()])
    http = HttpServer(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, http.stop)
    await listener.open()
    ports = {"smtp_port": listener.port, "http_port": http_socket.getsockname()[1], "pid": os.getpid()}
    print(json.dumps(ports), flush=True)  # noqa: T201 - the one line that callers wait for
    await http.serve(sockets=[http_socket])
    listener.close()
    listener.close_connections()


def main() -> None:
    """Run as a process of its own."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's lines hold addresses, and cost time
    asyncio.run(serve(parse(sys.argv[1:])))


if __name__ == "__main__":
    main()
