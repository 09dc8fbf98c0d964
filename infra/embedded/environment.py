"""What a child of the embedded stack finds in its environment: little, and all of it on purpose.

A DATABASE_URL in the user's shell must never reach a process of the stack, so nothing is passed on but these.
"""

import os
import sys
from pathlib import Path

_KEPT = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE"),
    *("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "VIRTUAL_ENV"),
)


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
    """Return all of this process's environment: for tools of the user's own, such as Maven with its proxies."""
    return dict(os.environ)


def user_cache() -> Path:
    """Return the user's cache folder. Source: https://specifications.freedesktop.org/basedir-spec/latest/."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if Path(named).is_absolute() else Path.home() / ".cache"


def java_home() -> Path | None:
    """Return the JAVA_HOME of the user, if it is set."""
    named = os.environ.get("JAVA_HOME", "")
    return Path(named) if named else None
