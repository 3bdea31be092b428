"""The suite's own PostgreSQL server: whoever runs the tests can start one, and it ends with them."""

import os
import pwd
import subprocess
import sys
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


def test_a_missing_server_fails_with_a_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postgres.shutil.which", lambda _: None)
    monkeypatch.setattr("postgres.Path.glob", lambda *_: iter(()))
    with pytest.raises(FileNotFoundError, match="no PostgreSQL server programs"):
        postgres_support._programs()
