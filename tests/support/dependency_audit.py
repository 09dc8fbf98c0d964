"""Whether a pinned dependency has a known fault: pip-audit, and what it does not say by itself.

    python -m tests.support.dependency_audit .venv-audit/bin/pip-audit

It says "no known vulnerabilities" of packages that it could not look up, too: with an index that has no data on faults,
of all of them. So what was skipped counts as not audited. Prints nothing when everything was looked up and is well;
what was not audited, and why, to stdout; faults to stderr, with exit code 1.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).parents[2] / "requirements" / "dev.txt"
_TIMEOUT_S = 300
_REQUEST_S = "10"


@dataclass(frozen=True, kw_only=True)
class Audited:
    """What pip-audit found. `faults` are lines for people; `skipped`: the packages that it could not look up."""

    faults: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: str | None = None
    """Why there is no answer at all."""

    @property
    def unaudited(self) -> str:
        """What was not looked up, and why; empty when everything was."""
        if self.failed is not None:
            return self.failed
        if not self.skipped:
            return ""
        return f"the package index here knows nothing of {len(self.skipped)} of them: {', '.join(self.skipped)}"


def audit(program: str, lock: Path = LOCK, *, timeout_s: float = _TIMEOUT_S) -> Audited:
    """Look up every package of a lock file; when the first is not to be had, ask for no other."""
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first.txt"
        first.write_text(re.split(r"^(?=[a-z0-9])", lock.read_text("utf-8"), flags=re.MULTILINE)[1], "utf-8")
        tried = _run(program, first, timeout_s)
    if tried.failed is not None:
        return tried
    if tried.skipped:
        return Audited(failed="the package index here has no data on faults")
    return _run(program, lock, timeout_s)


def read(output: str, errors: str) -> Audited:
    """Return what an answer of pip-audit says: https://github.com/pypa/pip-audit."""
    try:
        dependencies = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        lines = errors.strip().splitlines() or ["it said nothing"]
        return Audited(failed=f"pip-audit failed: {lines[-1][:300]}")
    faults = [
        f"{each['name']} {each['version']}: {fault['id']}, corrected in {' or '.join(fault['fix_versions']) or 'none'}"
        for each in dependencies
        for fault in each.get("vulns", ())
    ]
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    return Audited(faults=tuple(faults), skipped=tuple(skipped))


def _run(program: str, lock: Path, timeout_s: float) -> Audited:
    options = ("--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off")
    command = [program, "--requirement", str(lock), *options, "--timeout", _REQUEST_S]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return Audited(failed=f"no answer within {timeout_s:g} s")
    except OSError as error:
        return Audited(failed=f"{program} cannot be run: {error.strerror}")
    return read(done.stdout, done.stderr)


def main(arguments: Sequence[str]) -> int:
    """Audit, and print what there is to say."""
    (program,) = arguments
    found = audit(program)
    if found.unaudited:
        print(f"Dependencies were not audited: {found.unaudited}")  # noqa: T201 - this is its purpose
    for fault in found.faults:
        print(fault, file=sys.stderr)  # noqa: T201 - the same
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
