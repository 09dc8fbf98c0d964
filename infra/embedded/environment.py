"""What a child of the embedded stack finds in its environment: only what it needs.

A DATABASE_URL in the user's shell must never reach a process of the stack, so nothing is passed on but these.
"""

import os
import sys
from pathlib import Path

from infra.embedded.errors import PortRangeInvalid

_KEPT = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE"),
    *("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "VIRTUAL_ENV"),
    "COVERAGE_PROCESS_CONFIG",  # a measured test run measures what it starts: `patch` in pyproject.toml
)
_PORTS = 65_536


def base_environment() -> dict[str, str]:
    """Return the part of this process's environment that every child gets."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def python_environment() -> dict[str, str]:
    """Return the environment of a child that is a Python program with JSON lines on its standard output."""
    return {**base_environment(), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def python_executable() -> str:
    """Return this interpreter: children run in the same virtual environment."""
    return sys.executable


def user_environment() -> dict[str, str]:
    """Return all of this process's environment, for the user's own tools, such as Maven with its proxies."""
    return dict(os.environ)


def user_cache() -> Path:
    """Return the user's cache folder. Source: https://specifications.freedesktop.org/basedir-spec/latest/."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if Path(named).is_absolute() else Path.home() / ".cache"


def port_range() -> tuple[int, int] | None:
    """Return the first port and the one after the last of PAYSTREAM_PORT_RANGE ("15000-17000"), if it is set.

    Raises PortRangeInvalid when it is no such range: several systems at a time on one machine must not fall back to
    sharing.
    """
    named = os.environ.get("PAYSTREAM_PORT_RANGE", "")
    if not named:
        return None
    first, _, end = named.partition("-")
    if not (first.isdecimal() and end.isdecimal() and 0 < int(first) < int(end) <= _PORTS):
        raise PortRangeInvalid(f"PAYSTREAM_PORT_RANGE is {named!r}: it has to be like 15000-17000.")
    return int(first), int(end)


def java_home() -> Path | None:
    """Return the JAVA_HOME of the user, if it is set."""
    named = os.environ.get("JAVA_HOME", "")
    return Path(named) if named else None
