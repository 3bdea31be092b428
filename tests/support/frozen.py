"""A worker that is frozen, at a moment when nobody else has to wait for what it holds."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import raw_rows
from local_world import World

TEST_SECONDS = 180
"""The time limit of a test in which nobody wakes the worker up before the work is done.

Temporal does not know that it is frozen and gives it whatever it had asked for: up to two workflow tasks of 10 s and as
many activities as it has polls, 5 s each with growing pauses between them. That has come to 65 s, and can to 80 s.
"""
PATIENCE_SECONDS = 20.0
_OTHERS_SECONDS = 0.5
"""Longer than a transaction of somebody who is not frozen."""


def freeze(world: World, worker: subprocess.Popen[bytes]) -> None:
    """Stop the process where it stands, but not inside a transaction that writes; raises TimeoutError.

    Nobody can take SQLite's lock from a process that holds it: until it wakes up all others would wait.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        worker.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, worker.pid, os.WSTOPPED)
        if _others_can_write(world):
            return
        worker.send_signal(signal.SIGCONT)
        if time.monotonic() > deadline:
            raise TimeoutError("the worker writes all the time")
        time.sleep(0.01)


def _others_can_write(world: World) -> bool:
    path = raw_rows.path_of(world.settings.database())
    with closing(sqlite3.connect(path, timeout=_OTHERS_SECONDS, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.rollback()
    return True
