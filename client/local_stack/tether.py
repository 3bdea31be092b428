"""`python -m client.local_stack.tether PARENT COMMAND…`: becomes COMMAND, which ends when its parent does.

On Linux the kernel sends SIGTERM when the parent is gone, however it went: `kill -9` of `outrider up` leaves nothing
behind, and a worker still finishes the mail in hand. Elsewhere there is no such call, and the parts of a killed
`outrider up` must be ended by hand; their process ids are in stack.json.

A process of its own instead of code between fork and exec, which is not safe in a program with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Tie this process to its parent and replace it by the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(0)  # it went before the call above
    os.execvp(command[0], command)  # noqa: S606 the command is our own caller's


if __name__ == "__main__":
    main()
