"""The folder that holds everything of an embedded stack: data, logs, passwords, remembered ports.

ports.json  secrets.json  up.lock  logs/  run/ (pid files)  postgres/  valkey/  .gitignore (for the passwords)
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Self, TextIO

from infra.embedded.errors import HomeInUse, HomeUnusable


class Home:
    """A stack's folder. `open` makes it and locks it for this process; `close` (or the process's end) unlocks it."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self.run = self.path / "run"
        self._lock: TextIO | None = None

    def open(self) -> None:
        """Make it and lock it. Raises HomeUnusable when it cannot be written, HomeInUse when another stack has it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            for folder in (self.path, self.logs, self.run):
                folder.mkdir(mode=0o700, exist_ok=True)
                _close_to_others(folder)
                if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                    raise PermissionError(13, "Permission denied", str(folder))
            if is_new:  # another's folder is not changed
                (self.path / ".gitignore").write_text("*\n", encoding="utf-8")
            self._lock = self._locked()
        except OSError as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Let another stack use the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def remembered(self, name: str) -> dict[str, int | str]:
        """Return what `remember` kept in the file `name`; empty when there is none or it is not JSON.

        Raises HomeUnusable when it cannot be read.
        """
        try:
            content = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        except OSError as error:
            raise self._unusable(error) from error
        return content if isinstance(content, dict) else {}

    def remember(self, name: str, content: dict[str, int | str]) -> None:
        """Keep `content` in the file `name`, readable by this user only; the old content stays if this fails.

        Raises HomeUnusable when it cannot be written.
        """
        new = self.path / f"{name}.new"
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path / name)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> HomeUnusable:
        return HomeUnusable(
            f"The folder {self.path} cannot be used: {error.strerror} ({error.filename}). "
            f"Make it yours, or choose another one with PAYSTREAM_HOME."
        )

    def _locked(self) -> TextIO:
        lock = (self.path / "up.lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            message = (
                f"Paystream already runs on {self.path} (process {holder}). Stop it first (Ctrl-C in its terminal, "
                f"or `kill {holder}`), or start a second one elsewhere: PAYSTREAM_HOME=.paystream2, with other ports "
                f"in COMMAND_API_PORT, QUERY_API_PORT, STRIPE_SANDBOX_PORT and BACK_OFFICE_PORT."
            )
            raise HomeInUse(message) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock


def _close_to_others(folder: Path) -> None:
    """Close our folder to everybody else: it may exist already, made by hand or by an older release."""
    found = folder.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        folder.chmod(0o700)
