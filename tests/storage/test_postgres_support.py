"""The suite's own PostgreSQL server: whoever runs the tests can start one, and it ends with them."""

import os
import pwd
import socket
import subprocess
import sys
import time
from pathlib import Path

import postgres as postgres_support
import pytest
from databases import PostgresDatabases

AS_NOBODY = """
import os, pwd, sys
sys.path.insert(0, sys.argv[1])
import postgres  # whoever we become may not be able to read it
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
os.chdir("/")
with postgres.server() as running:
    print(os.stat(f"/proc/{running.pid}").st_uid, running.pid)
"""


def test_the_support_starts_a_server_as_an_ordinary_user_too(postgres: PostgresDatabases) -> None:
    """As root the server belongs to somebody else anyway; here its starter is an ordinary user as well."""
    if os.geteuid() != 0:
        assert Path(f"/proc/{postgres.server.pid}").stat().st_uid == os.geteuid()
        return
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(Path(str(postgres_support.__file__)).parent)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    user, pid = done.stdout.split()
    assert int(user) == pwd.getpwnam("nobody").pw_uid
    assert not Path(f"/proc/{pid}").exists(), "it stopped with its starter"


UNTIL_KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
import postgres
with postgres.server() as running:
    print(running.port, running.log.parent, flush=True)
    time.sleep(60)
"""


def test_a_starter_that_is_killed_leaves_no_server_and_no_files_behind() -> None:
    support = str(Path(str(postgres_support.__file__)).parent)
    with subprocess.Popen([sys.executable, "-c", UNTIL_KILLED, support], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        port, place = starter.stdout.readline().split()
        assert listens(int(port))
        starter.kill()
    deadline = time.monotonic() + 20
    while Path(place).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(place).exists()
    assert not listens(int(port))


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_missing_server_fails_with_a_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postgres.shutil.which", lambda _: None)
    monkeypatch.setattr("postgres.Path.glob", lambda *_: iter(()))
    with pytest.raises(FileNotFoundError, match="no PostgreSQL server programs"):
        postgres_support._programs()
