"""Exit 0 when the process of this container can do its work, else 1 with the reason: a container's health check.

`ready.py` asks the worker that worker.sh has started, `ready.py PORT [PATH]` whoever listens there.
"""

import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

ANSWER_SECONDS = 4


def main(arguments: list[str]) -> int:
    """Ask once; no proxy stands between a container and itself."""
    port = arguments[0] if arguments else Path(tempfile.gettempdir(), "health-port").read_text(encoding="ascii").strip()
    path = arguments[1] if len(arguments) > 1 else "/readyz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{int(port)}{path}", timeout=ANSWER_SECONDS) as answer:
            sys.stdout.write(answer.read(1_000).decode("utf-8", "replace"))
    except urllib.error.HTTPError as refused:
        sys.stdout.write(f"{refused.code}: {refused.read(1_000).decode('utf-8', 'replace')}")
        return 1
    except OSError as error:
        sys.stdout.write(f"{path} on port {port}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
