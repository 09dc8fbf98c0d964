"""The `paystream` command line. `paystream --help` lists what it does.

A process (`paystream relay`, ...) is started without loading the rest: six of them start at the same time in
`paystream up`, and each would spend a tenth of a second on commands that it does not run.
"""

import os
import sys

_ENDED_BY_SIGINT = 130  # 128 and the number of the signal, as shells say it
_UNUSABLE = 2  # as for wrong options: 1 can be a finding


def main() -> None:
    """Run the command that the arguments name."""
    try:
        from infra.cli.processes import run_if_process

        if not run_if_process(sys.argv[1:]):
            from infra.cli.app import run_app

            try:
                run_app()
            finally:
                sys.stdout.flush()  # here, where it can still be said that it failed
    except KeyboardInterrupt:  # Ctrl-C while modules are loaded
        raise SystemExit(_ENDED_BY_SIGINT) from None
    except BrokenPipeError:  # the reader has what it wanted, as `head` does
        _drop_output()
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno is None:
            raise
        print(f"paystream: {error.filename or 'the standard output'}: {error.strerror}", file=sys.stderr)
        _drop_output()
        raise SystemExit(_UNUSABLE) from None


def _drop_output() -> None:
    """Drop what was not written yet, which Python would write when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
