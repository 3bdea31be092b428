"""Every setting is read where it should be, says what is wrong with it, and never shows a secret."""

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import client
from client import up_lock
from client.person import who
from client.settings import Settings, load_settings
from domain.errors import InputError, Unreachable

SECRETS = {
    "OUTRIDER_DATABASE_URL": "sqlite+aiosqlite:///hidden-1.db",
    "OUTRIDER_SECRET_KEY": "hidden-2-and-long-enough",
    "OUTRIDER_GITHUB_TOKEN": "hidden-5,hidden-6",
    "OUTRIDER_SMTP_URL": "smtp://user:hidden-3@relay.example.com:587",
}
OTHERS = {
    "OUTRIDER_HOME": "data",
    "OUTRIDER_GITHUB_API_URL": "https://github.example.com/api",
    "OUTRIDER_PUBLIC_URL": "https://mail.example.com",
    "OUTRIDER_USER": "dana",
    "OUTRIDER_JAEGER_URL": "http://127.0.0.1:16686",
    "OUTRIDER_HEALTH_HOST": "127.0.0.2",
    "OUTRIDER_HEALTH_PORT": "8190",
    "OUTRIDER_LOG_LEVEL": "WARNING",
}
DEFAULTS = {
    "OUTRIDER_HOME": ".outrider",
    "OUTRIDER_HEALTH_HOST": "127.0.0.1",
    "OUTRIDER_HEALTH_PORT": "8090",
    "OUTRIDER_LOG_LEVEL": "INFO",
}
STACK = {
    "temporal_address": "127.0.0.1:7233",
    "temporal_ui": "http://127.0.0.1:8233",
    "web_url": "http://127.0.0.1:8026",
    "smtp_url": "smtp://127.0.0.1:2525",
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without `.env`, and an environment without our variables."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OUTRIDER_") or name == "LOG_LEVEL"]:
        monkeypatch.delenv(name)
    return tmp_path


def write_env(text: str) -> None:
    Path(".env").write_text(text, encoding="utf-8")


def write_stack(**changes: str | None) -> None:
    Path(".outrider").mkdir(exist_ok=True)
    Path(".outrider/stack.json").write_text(json.dumps({**STACK, **changes}), encoding="utf-8")


@pytest.fixture
def running_up(place: Path) -> Iterator[None]:
    """Hold the home as `outrider up` does while it runs."""
    with up_lock.hold(place / ".outrider"):
        yield


def plain_values(settings: Settings) -> dict[str, str]:
    """All settings by their variables, secrets uncovered."""
    values = {f"OUTRIDER_{name.upper()}": value for name, value in settings if value is not None}
    return {
        name: str(getattr(value, "get_secret_value", lambda value=value: value)()) for name, value in values.items()
    }


class TestSources:
    def test_nothing_needs_to_be_set(self, place: Path) -> None:
        settings = load_settings()
        assert plain_values(settings) == DEFAULTS
        assert settings.database() == f"sqlite+aiosqlite:///{place}/.outrider/outrider.db"
        assert settings.stack is None
        assert list(place.iterdir()) == []

    def test_this_table_knows_every_setting(self) -> None:
        assert {f"OUTRIDER_{name.upper()}" for name in Settings.model_fields} == SECRETS.keys() | OTHERS.keys()

    def test_every_setting_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (SECRETS | OTHERS).items():
            monkeypatch.setenv(name, value)
        assert plain_values(load_settings()) == SECRETS | OTHERS

    def test_every_setting_from_the_file(self) -> None:
        write_env("".join(f"{name}={value}\n" for name, value in (SECRETS | OTHERS).items()))
        assert plain_values(load_settings()) == SECRETS | OTHERS

    @pytest.mark.parametrize("name", [*SECRETS, *OTHERS])
    def test_the_environment_wins_over_the_file(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        value = (SECRETS | OTHERS)[name]
        others = {"OUTRIDER_LOG_LEVEL": "ERROR", "OUTRIDER_HEALTH_PORT": "1"}
        write_env(f"{name}={others.get(name, 'https://another.example.com')}\n")
        monkeypatch.setenv(name, value)
        assert plain_values(load_settings())[name] == value

    @pytest.mark.parametrize("name", [*SECRETS, *OTHERS])
    def test_an_empty_variable_is_none_at_all(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        unset = plain_values(load_settings())
        monkeypatch.setenv(name, "")
        assert plain_values(load_settings()) == unset

    def test_what_belongs_to_others_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OUTRIDER_OF_ANOTHER_VERSION", "1")
        write_env("SOMETHING_ELSE=1\nOUTRIDER_OF_ANOTHER_VERSION=2\n")
        assert plain_values(load_settings()).keys() == DEFAULTS.keys()

    def test_the_home_of_the_person(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(place))
        write_env("OUTRIDER_HOME=~/data\n")
        assert load_settings().home == place / "data"

    @pytest.mark.parametrize("name", ["LOG_LEVEL", "OUTRIDER_LOG_LEVEL"])
    @pytest.mark.parametrize("level", ["debug", "Debug", "DEBUG"])
    def test_the_log_level_in_any_case(self, monkeypatch: pytest.MonkeyPatch, name: str, level: str) -> None:
        monkeypatch.setenv(name, level)
        assert load_settings().log_level == "DEBUG"

    @pytest.mark.parametrize("content", [b"\xff=1\n", b"OUTRIDER_LOG_LEVEL=\xe4\n"])
    def test_a_file_that_is_no_text(self, content: bytes) -> None:
        Path(".env").write_bytes(content)
        with pytest.raises(InputError, match=r"^\.env cannot be read$"):
            load_settings()


class TestSecrets:
    def test_they_are_in_no_text_form(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in SECRETS.items():
            monkeypatch.setenv(name, value)
        settings = load_settings()
        for text in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
            assert "hidden" not in text

    def test_a_wrong_value_is_named_and_not_quoted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in SECRETS.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("LOG_LEVEL", "hidden-4")
        with pytest.raises(InputError) as refused:
            load_settings()
        assert refused.value.line == "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__

    @pytest.mark.parametrize(
        ("port", "line"),
        [
            ("banana", "OUTRIDER_HEALTH_PORT: Input should be a whole number"),
            ("70000", "OUTRIDER_HEALTH_PORT: Input should be less than or equal to 65535"),
        ],
    )
    def test_a_port_that_is_none(self, monkeypatch: pytest.MonkeyPatch, port: str, line: str) -> None:
        monkeypatch.setenv("OUTRIDER_HEALTH_PORT", port)
        with pytest.raises(InputError) as refused:
            load_settings()
        assert refused.value.line == line
        assert refused.value.hint == "unset it, or correct it: docs/reference/settings.md"

    def test_a_short_key_is_refused_without_quoting_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OUTRIDER_SECRET_KEY", "hidden-12345678")
        with pytest.raises(InputError) as refused:
            load_settings().secret()
        assert refused.value.line == "OUTRIDER_SECRET_KEY is shorter than 16 characters"
        assert refused.value.hint == "openssl rand -hex 32"

    def test_with_postgresql_no_key_is_made(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OUTRIDER_DATABASE_URL", "postgresql+asyncpg://dana:hidden@db.example.com/outrider")
        with pytest.raises(InputError) as refused:
            load_settings().secret()
        assert refused.value.line == "OUTRIDER_SECRET_KEY is not set: with PostgreSQL every machine needs the same one"
        assert refused.value.hint == "openssl rand -hex 32, once for all of them"
        assert list(place.iterdir()) == []
        monkeypatch.setenv("OUTRIDER_SECRET_KEY", "the key of all machines")
        assert load_settings().secret() == "the key of all machines"


class TestKeyFile:
    def test_it_is_made_once_and_only_its_owner_can_read_it(self, place: Path) -> None:
        key = load_settings().secret()
        assert len(bytes.fromhex(key)) == 32
        assert load_settings().secret() == key
        assert [path.name for path in (place / ".outrider").iterdir()] == ["secret.key"]
        assert stat.S_IMODE((place / ".outrider" / "secret.key").stat().st_mode) == 0o600
        assert stat.S_IMODE((place / ".outrider").stat().st_mode) == 0o700

    def test_a_given_key_makes_no_file(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OUTRIDER_SECRET_KEY", "sixteen-letters!")
        assert load_settings().secret() == "sixteen-letters!"
        assert list(place.iterdir()) == []

    def test_processes_at_the_same_moment_get_the_same_key(self, place: Path) -> None:
        program = (
            "import sys; from pathlib import Path; from client.settings import load_settings\n"
            "settings = load_settings(); sys.stdin.read(); print(settings.secret())"
        )
        environment = {**os.environ, "PYTHONPATH": str(Path(str(client.__file__)).parents[1])}
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", program],
                cwd=place,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()  # they all wait for this before they ask for the key
            process.stdin = None
        keys = {process.communicate(timeout=30)[0].strip() for process in processes}
        assert {process.returncode for process in processes} == {0}
        assert keys == {load_settings().secret()}
        assert [path.name for path in (place / ".outrider").iterdir()] == ["secret.key"]

    def test_nobody_sees_a_key_that_is_half_written(self, place: Path) -> None:
        together = threading.Barrier(8)

        def key(home: Path) -> str:
            together.wait(timeout=10)
            return Settings(home=home).secret()

        with ThreadPoolExecutor(8) as threads:
            for attempt in range(100):
                keys = set(threads.map(key, [place / str(attempt)] * 8))
                assert len(keys) == 1
                assert len(keys.pop()) == 64

    @pytest.mark.parametrize("content", ["", "short\n"])
    def test_a_damaged_key_is_not_used(self, place: Path, content: str) -> None:
        (place / ".outrider").mkdir()
        (place / ".outrider" / "secret.key").write_text(content, encoding="ascii")
        with pytest.raises(InputError, match="is shorter than 16 characters") as refused:
            load_settings().secret()
        assert refused.value.hint.startswith("put the key back")
        assert (place / ".outrider" / "secret.key").read_text(encoding="ascii") == content

    def test_a_key_that_is_no_text_is_not_used(self, place: Path) -> None:
        (place / ".outrider").mkdir()
        (place / ".outrider" / "secret.key").write_bytes(b"\xff" * 32)
        with pytest.raises(InputError, match=r"secret\.key cannot be made or read"):
            load_settings().secret()

    def test_a_home_that_is_a_file(self, place: Path) -> None:
        (place / ".outrider").touch()
        with pytest.raises(InputError, match=r"secret\.key cannot be made or read") as refused:
            load_settings().secret()
        assert refused.value.hint == "set OUTRIDER_HOME"


class TestStack:
    def test_it_counts_while_the_one_who_wrote_it_runs(self, place: Path) -> None:
        write_stack()
        with up_lock.hold(place / ".outrider"):
            stack = load_settings().stack
            assert stack is not None
            assert stack.temporal_address == "127.0.0.1:7233"
        assert load_settings().stack is None

    def test_one_that_was_left_behind_leads_nowhere(self) -> None:
        write_stack()
        with pytest.raises(InputError, match="no relay for mailbox dana"):
            load_settings().relay("dana")
        with pytest.raises(Unreachable, match="no address for the opt-out page"):
            load_settings().opt_out_base()


class TestRelay:
    @pytest.mark.usefixtures("running_up")
    def test_the_mailbox_before_all_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write_stack()
        settings = load_settings()
        assert settings.relay("dana") == ("smtp://127.0.0.1:2525", ".outrider/stack.json")
        monkeypatch.setenv("OUTRIDER_SMTP_URL", "smtp://all.example.com")
        assert load_settings().relay("dana") == ("smtp://all.example.com", "OUTRIDER_SMTP_URL")
        write_env("OUTRIDER_MAILBOX_DANA_SMTP_URL=smtp://file.example.com\n")
        own = "OUTRIDER_MAILBOX_DANA_SMTP_URL"
        assert load_settings().relay("dana") == ("smtp://file.example.com", own)
        monkeypatch.setenv(own, "smtp://own.example.com")
        assert load_settings().relay("dana") == ("smtp://own.example.com", own)
        assert load_settings().relay("kim") == ("smtp://all.example.com", "OUTRIDER_SMTP_URL")

    def test_none_says_what_to_set(self) -> None:
        with pytest.raises(InputError) as refused:
            load_settings().relay("dana")
        assert "neither OUTRIDER_MAILBOX_DANA_SMTP_URL nor OUTRIDER_SMTP_URL is set" in refused.value.line
        assert "outrider up" in refused.value.hint


class TestAddresses:
    @pytest.mark.usefixtures("running_up")
    def test_the_public_address_before_the_local_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(Unreachable, match="no address for the opt-out page"):
            load_settings().opt_out_base()
        write_stack()
        assert load_settings().opt_out_base() == "http://127.0.0.1:8026"
        monkeypatch.setenv("OUTRIDER_PUBLIC_URL", "https://mail.example.com/outrider/")
        assert load_settings().opt_out_base() == "https://mail.example.com/outrider"

    @pytest.mark.parametrize(
        "url",
        [
            "mail.example.com",
            "ftp://mail.example.com",
            "https://",
            "https://[hidden",
            "https://mail.example.com/?hidden=1",
            "https://mail.example.com/#hidden",
            "https://user:hidden@mail.example.com",
            "https://mail.example.com/a hidden",
            "https://mail.example.com/\nhidden",
        ],
    )
    def test_a_wrong_public_address_is_refused_without_quoting_it(
        self, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        monkeypatch.setenv("OUTRIDER_PUBLIC_URL", url)
        with pytest.raises(InputError) as refused:
            load_settings().opt_out_base()
        assert refused.value.line.startswith("OUTRIDER_PUBLIC_URL is not an address such as https://mail.example.com")
        assert "hidden" not in refused.value.line

    @pytest.mark.usefixtures("running_up")
    def test_a_damaged_list_of_local_parts_says_the_way_out(self) -> None:
        write_stack(web_url=None)
        with pytest.raises(InputError, match=r"stack\.json cannot be read") as refused:
            load_settings().opt_out_base()
        assert "outrider up" in refused.value.hint


class TestPerson:
    def test_it_is_who_the_setting_says_on_one_short_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OUTRIDER_USER", " dana\n\x1b[31mrivers " + "x" * 100)
        assert who() == "dana [31mrivers " + "x" * 44

    def test_without_the_setting_it_is_the_login_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LOGNAME", "kim")
        assert who() == "kim"

    def test_nothing_keeps_it_from_answering(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LOG_LEVEL", "no level")
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
        assert who() == "unknown"


def test_every_setting_stands_in_the_reference() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    names = {f"OUTRIDER_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in names if f"`{name}`" not in page} == set()
