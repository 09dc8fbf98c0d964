"""Fetches the tools of Debian's Prometheus where they are not installed, and prints why they cannot be had, if so.

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
_PACKAGES = {"prometheus": ("prometheus", "promtool"), "prometheus-alertmanager": ("amtool",)}
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def fetch() -> str | None:
    """Make `prometheus`, `promtool` and `amtool` available; return why not, in a line, or None."""
    reasons = [_fetch(package, programs) for package, programs in _PACKAGES.items()]
    return " ".join(reason for reason in reasons if reason is not None) or None


def _fetch(package: str, programs: tuple[str, ...]) -> str | None:
    if all(map(find_program, programs)):
        return None
    if not all(map(shutil.which, ("apt-get", "dpkg-deb"))):
        return f"{package} is not installed, and there is no apt-get to fetch it."
    with tempfile.TemporaryDirectory() as folder:
        if not _run("apt-get", "download", "-q", package, cwd=folder):
            _run("apt-get", "update", "-q", cwd=folder)  # as root, on a machine that is new
            if not _run("apt-get", "download", "-q", package, cwd=folder):
                return f"{package} is not installed, and apt-get cannot fetch it."
        (archive,) = Path(folder).glob(f"{package}_*.deb")
        if not _run("dpkg-deb", "-x", archive.name, "unpacked", cwd=folder):
            return f"{package} is not installed, and its package cannot be unpacked."
        there = user_cache() / UNPACKED
        there.mkdir(parents=True, exist_ok=True)
        for name in programs:
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
