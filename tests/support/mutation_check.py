"""Changes the money code in one place after the other, and shows the changes that no unit test notices (`make mutate`).

    python -m tests.support.mutation_check --sample 300 --seed 1 --minutes 10

What is changed and which tests judge it is in pyproject.toml ([tool.mutmut]). A sample, drawn by the seed, keeps it
short; the same seed on the same code draws the same changes.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

_FOLDER = Path("mutants")
SMALLEST = "domain.currencies.*"
"""The quickest run there is: it makes all mutants, and finds out which tests reach which function."""
_STOPS_WITHIN_S = 30.0
_TAIL = 60  # lines of its output that say why it failed
_MOVING = tuple("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
"""How a line begins that it writes over and over, for a terminal."""
_CAUGHT = {1, 3, 36, 24, -24, 152, 255}
"""Exit codes of mutmut for a failed test, and for a time-out: a loop without end is noticed as well."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try a sample; return 1 when nothing could be tried. Survivors are no failure: they are there to be read."""
    options = _options(arguments)
    ends_at = time.monotonic() + 60 * options.minutes
    shutil.rmtree(_FOLDER, ignore_errors=True)
    if _mutmut(["run", SMALLEST], within_s=60 * options.minutes) != 0:
        print("The mutants could not be made, or the tests fail without any: see above.", file=sys.stderr)
        return 1
    possible = sorted(_results())
    sample = sorted(random.Random(options.seed).sample(possible, min(options.sample, len(possible))))
    _mutmut(["run", "--max-children", str(options.workers), *sample], within_s=ends_at - time.monotonic())
    results = _results()
    tried = [name for name in sample if results[name] is not None]
    survivors = [name for name in tried if results[name] not in _CAUGHT]
    for name in survivors:
        print(f"\n--- survives: {name}", flush=True)
        _mutmut(["show", name], within_s=60)
    caught = len(tried) - len(survivors)
    print(f"\n{caught} of {len(tried)} changes noticed (seed {options.seed}, {len(possible)} possible changes).")
    if len(tried) < len(sample):
        print(f"The time was up before {len(sample) - len(tried)} others: --minutes gives more.")
    return 0 if tried else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Change the money code, and see whether a unit test notices.")
    parser.add_argument("--sample", type=int, default=300, help="how many changes to try (default: 300)")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10_000), help="which ones (default: others each time)"
    )
    parser.add_argument("--minutes", type=float, default=10, help="when to stop (default: 10)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="default: one for each core")
    return parser.parse_args(arguments)


def _results() -> dict[str, int | None]:
    """Return mutmut's exit code for each mutant; None for those it did not try."""
    found: dict[str, int | None] = {}
    for path in _FOLDER.rglob("*.py.meta"):
        found.update(json.loads(path.read_text())["exit_code_by_key"])
    return found


def _mutmut(arguments: Sequence[str], *, within_s: float) -> int:
    """Run mutmut; what it has tried until the time is up counts. Its moving text is for a terminal alone."""
    with tempfile.TemporaryFile("w+") as log:
        quiet = arguments[0] == "run" and not sys.stdout.isatty()
        running = subprocess.Popen(
            [Path(sys.executable).with_name("mutmut"), *arguments], stdout=log if quiet else None
        )
        try:
            code = running.wait(max(within_s, 1))
        except subprocess.TimeoutExpired:
            return _stopped(running)
        if code and quiet:
            log.seek(0)
            lines = [each for each in log.read().splitlines() if not each.startswith(_MOVING)]
            print("\n".join(lines[-_TAIL:]), file=sys.stderr)
        return code


def _stopped(running: subprocess.Popen[bytes]) -> int:
    """Stop mutmut: when told so, it stops its workers and keeps what they found."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        running.send_signal(number)
        try:
            return running.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            continue
    return running.wait()


if __name__ == "__main__":
    sys.exit(main())
