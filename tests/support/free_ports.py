"""Ports that nobody listens on."""

import contextlib
import socket


def free_ports(count: int) -> list[int]:
    """So many different ports of 127.0.0.1 that are free now."""
    with contextlib.ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]
