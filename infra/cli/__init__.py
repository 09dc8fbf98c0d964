"""The `paystream` command line. `paystream --help` lists what it does.

A process (`paystream relay`, ...) is started without loading the rest: six of them start at the same time in
`paystream up`, and each would spend a tenth of a second on commands that it does not run.
"""

import sys

_ENDED_BY_SIGINT = 130  # 128 and the number of the signal, as shells say it


def main() -> None:
    """Run the command that the arguments name."""
    try:
        from infra.cli.processes import run_if_process

        if not run_if_process(sys.argv[1:]):
            from infra.cli.app import run_app

            run_app()
    except KeyboardInterrupt:  # Ctrl-C while modules are loaded
        raise SystemExit(_ENDED_BY_SIGINT) from None
