"""Starts one Paystream process in the foreground: `paystream command-api`, `paystream worker NAME`, ..."""

import sys
from collections.abc import Sequence
from typing import NoReturn

from infra.process import declared

COMMANDS = {
    "command-api": "Serve the HTTP API that takes payments and refunds.",
    "query-api": "Serve the HTTP API that shows payments.",
    "relay": "Publish the event store to Kafka.",
    "projector": "Keep the read model up to date.",
    "sandbox": "Serve a stand-in for Stripe, for development.",
}
_WORKER_WORDS = 2


def run_if_process(arguments: Sequence[str]) -> bool:
    """Run the process that the arguments name, until it ends; return False when they name none."""
    if len(arguments) == 1 and arguments[0] in COMMANDS:
        run_process(arguments[0])
        return True
    if len(arguments) == _WORKER_WORDS and arguments[0] == "worker" and not arguments[1].startswith("-"):
        run_worker(arguments[1])
        return True
    return False


def run_process(name: str) -> None:
    """Run the process `name` until it ends."""
    _run(declared.PROCESSES, name)


def run_worker(name: str) -> None:
    """Run the consumer `name` until it ends."""
    _run(declared.WORKERS, name)


def _run(group: str, name: str) -> None:
    try:
        process = declared.load(group, name)
    except declared.NotDeclared as error:
        _refuse(str(error))
    process()


def _refuse(message: str) -> NoReturn:
    print(f"paystream: {message}", file=sys.stderr)
    raise SystemExit(1)
