"""What this process is called wherever it is seen: by Temporal and `doctor`, in log lines, on metrics."""

import os
import socket

NAME = f"{os.getpid()}@{socket.gethostname()}-{os.urandom(3).hex()}"
"""As Temporal would name it, `4711@machine`, and six digits: containers may share the host, and each is process 1."""
