"""Exhausts the model in protocol.pml with spin: `make model-check`.

Each way in which things can go wrong is searched to its end, and must hold; then each guard is taken away by itself,
and the model must fail, or it would prove nothing. Prints the number of states; exit code 1 when anything is otherwise.
Needs spin (https://spinroot.com, Debian's package `spin`) and gcc.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

_MODEL = Path(__file__).with_name("protocol.pml")
_ONE, _TWO, _ALONE = ("EVENTS=1",), ("EVENTS=2", "ASKS=1"), ("EVENTS=2", "ASKS=1", "ONE_RELAY")
_MEMORY_MB, _DEPTH = 4000, 100_000

HOLDS = (
    ("two events, a zombie relay", _TWO),
    ("one event, two relays, a failover, pruned keys", (*_ONE, "FAILOVER", "LATE")),
    ("one event, two relays, a restored copy, pruned keys", (*_ONE, "RESTORE", "LATE")),
    ("one event, two relays, a crash, a wiped Redis, pruned keys", (*_ONE, "CRASH", "WIPE_REDIS", "LATE")),
    ("one event, two relays, a wiped Kafka, a crash", (*_ONE, "WIPE", "CRASH")),
    ("two events, a failover, pruned keys", (*_ALONE, "FAILOVER", "LATE")),
    ("two events, a restored copy, pruned keys", (*_ALONE, "RESTORE", "LATE")),
    ("two events, a wiped Kafka, a crash", (*_ALONE, "WIPE", "CRASH")),
    ("two events, two failovers", (*_ALONE, "FAILOVER", "LOSSES=2")),
)
FAILS = (
    ("no incarnation", (*_ALONE, "FAILOVER", "NO_INCARNATION")),
    ("open at once after a start", (*_ALONE, "RESTORE", "TRUST_START")),
    ("a look at the last event alone", (*_ALONE, "RESTORE", "LAST_EVENT_ALONE")),
    ("the same epoch after a recovery", (*_ONE, "RESTORE", "SAME_EPOCH")),
    ("answers in Redis without epoch", (*_ONE, "FAILOVER", "REDIS_WITHOUT_EPOCH")),
    ("positions go on where Kafka ends", (*_ALONE, "FAILOVER", "NO_JUMP")),
    ("a new epoch that Kafka is not told of", (*_ALONE, "FAILOVER", "LOSSES=2", "NO_ANNOUNCEMENT")),
    ("no fencing of relays", (*_TWO, "NO_FENCE")),
    ("one statement at a gap", (*_TWO, "ONE_STATEMENT")),
    ("the age of the attempt, not of the event", (*_ONE, "FAILOVER", "LATE", "AGE_OF_ATTEMPT")),
    ("consumers that do not look again", (*_ALONE, "FAILOVER", "NO_SECOND_LOOK")),
)


class Result(NamedTuple):
    """What a search came to."""

    errors: int
    states: int
    exhausted: bool
    what: str


def search(switches: tuple[str, ...]) -> Result:
    """Search the model, compiled with these switches, until the first error."""
    with tempfile.TemporaryDirectory() as folder:
        _run(folder, "spin", "-a", *(f"-D{each}" for each in switches), str(_MODEL))
        options = ("-O2", "-DSAFETY", "-DCOLLAPSE", "-DVECTORSZ=2048", f"-DMEMLIM={_MEMORY_MB}")
        _run(folder, "gcc", *options, "-o", "pan", "pan.c")
        found = _run(folder, "./pan", f"-m{_DEPTH}", "-w24")
    errors, states = re.search(r"errors: (\d+)", found), re.search(r"(\d+) states, stored", found)
    assert errors is not None, found
    assert states is not None, found
    cut = "Search not completed" in found or "max search depth too small" in found
    what = re.search(r"pan:1: (.*)", found)
    return Result(int(errors[1]), int(states[1]), not cut, what[1] if what else "")


def main() -> int:
    """Search all of them; return the exit code."""
    if missing := [each for each in ("spin", "gcc") if shutil.which(each) is None]:
        print(f"model-check: {' and '.join(missing)} not found. On Debian: apt-get install spin gcc", file=sys.stderr)
        return 2
    good = True
    for expected, named in ((True, HOLDS), (False, FAILS)):
        print("must hold:" if expected else "must fail, with a guard taken away:")
        for name, switches in named:
            began = time.monotonic()
            result = search(switches)
            as_expected = (result.errors == 0 and result.exhausted) if expected else result.errors > 0
            good = good and as_expected
            report = f"{result.states:>10,} states {time.monotonic() - began:6.1f} s  {result.what[:60]}"
            print(f"  {'ok  ' if as_expected else 'NOT '}  {name:<60} {report}")
    print("Every property held, and every missing guard was found." if good else "See above: not as it must be.")
    return 0 if good else 1


def _run(folder: str, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or command[0] == "./pan", done.stdout + done.stderr
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
