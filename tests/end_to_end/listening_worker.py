"""A worker that writes down every address its Python code connects to: `listening_worker.py FILE`.

Temporal's own connection is made by its native core, which Python's audit hooks do not see.
"""

import runpy
import sys
from pathlib import Path

_heard = Path(sys.argv.pop(1)).open("a", buffering=1)  # noqa: SIM115 open as long as the process


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        _heard.write(f"{event} {arguments[1] if event == 'socket.connect' else arguments[0]}\n")


sys.addaudithook(_listen)
runpy.run_module("worker", run_name="__main__")
