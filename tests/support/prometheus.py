"""Fetches Debian's Prometheus where none is installed, and prints why it cannot be had; nothing when it is there.

    python -m tests.support.prometheus

It is unpacked into the user's cache, not installed: no service starts, and nobody has to be root.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.embedded.environment import user_cache, user_environment
from infra.embedded.prometheus import UNPACKED, find_program

_LIMIT_S = 120
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def fetch() -> str | None:
    """Make `prometheus` and `promtool` available; return why not, in a line, or None."""
    if all(map(find_program, ("prometheus", "promtool"))):
        return None
    if not all(map(shutil.which, ("apt-get", "dpkg-deb"))):
        return "Prometheus is not installed, and there is no apt-get to fetch it."
    with tempfile.TemporaryDirectory() as folder:
        if not _run("apt-get", "download", "-q", "prometheus", cwd=folder):
            _run("apt-get", "update", "-q", cwd=folder)  # as root, on a machine that is new
            if not _run("apt-get", "download", "-q", "prometheus", cwd=folder):
                return "Prometheus is not installed, and apt-get cannot fetch it."
        (package,) = Path(folder).glob("prometheus_*.deb")
        if not _run("dpkg-deb", "-x", package.name, "unpacked", cwd=folder):
            return "Prometheus is not installed, and its package cannot be unpacked."
        there = user_cache() / UNPACKED
        there.mkdir(parents=True, exist_ok=True)
        for name in ("prometheus", "promtool"):
            shutil.move(Path(folder, "unpacked", "usr", "bin", name), there / name)
    return None


def _run(*argv: str, cwd: str) -> bool:
    environment = {**user_environment(), **_QUIET}
    try:
        done = subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__" and (reason := fetch()) is not None:
    sys.stdout.write(f"{reason}\n")
