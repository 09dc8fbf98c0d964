"""PostgreSQL refuses to run as root; this chooses the user that it runs as instead."""

import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_NOBODY = 65534


@dataclass(frozen=True, kw_only=True, slots=True)
class RunAs:
    """The user of a server that root starts.

    `prefix` comes before the command and changes the user. When it is empty, the parent changes it.
    """

    uid: int
    gid: int
    prefix: tuple[str, ...]


def unprivileged(data: Path, death_signal: signal.Signals) -> RunAs | None:
    """Return the user that a server with its data in `data` runs as; None (our own) unless this process is root.

    An owner of the data that is not root stays its owner; else it is `nobody`. The repository may lie where only root
    can go (/root): setpriv(1) leaves the server the one privilege of going there, and none other.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat() if data.exists() else None
    if owner is not None and owner.st_uid != 0:
        uid, gid = owner.st_uid, owner.st_gid
    else:
        uid, gid = _nobody()
    prefix = (
        *("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--securebits=+no_setuid_fixup"),
        # access(2) ignores capabilities of a user that is not root without no_setuid_fixup, and PostgreSQL asks it
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
        f"--pdeathsig={death_signal.name.removeprefix('SIG')}",  # changing the user cleared the one of the parent
        "--",
    )
    return RunAs(uid=uid, gid=gid, prefix=prefix if _works(prefix) else ())


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return _NOBODY, _NOBODY
    return entry.pw_uid, entry.pw_gid


@lru_cache
def _works(prefix: tuple[str, ...]) -> bool:
    """Whether setpriv (util-linux) exists and may do this here: a container can lack the right."""
    if shutil.which(prefix[0]) is None:
        return False
    return subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0  # noqa: S603 - own words
