"""Whose name stands beside a decision."""

import contextlib
import getpass

from client.one_line import LONGEST_NAME, one_line
from client.settings import load_settings
from domain.errors import OutriderError


def who() -> str:
    """The person at the keyboard: OUTRIDER_USER, else the login name, else `unknown`. Never raises."""
    return one_line(_set(), LONGEST_NAME) or one_line(_login(), LONGEST_NAME) or "unknown"


def _set() -> str:
    with contextlib.suppress(OutriderError):  # what is wrong with the settings is said where they are needed
        return load_settings().user or ""
    return ""


def _login() -> str:
    with contextlib.suppress(OSError, KeyError, ImportError):  # a container's user may have no name
        return getpass.getuser()
    return ""
