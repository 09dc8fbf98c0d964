"""Starts a Paystream process in the foreground: `paystream command-api`, `paystream worker NAME`, `... worker all`."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from infra.cli.exit_codes import WRONG_OPTION
from infra.process import declared

if TYPE_CHECKING:
    from infra.process.service import Service

COMMANDS = {
    "command-api": "Serve the HTTP API that takes payments and refunds.",
    "query-api": "Serve the HTTP API that shows payments.",
    "back-office": "Serve the pages of support, finance, operators and auditors.",
    "relay": "Publish the event store to Kafka.",
    "projector": "Keep the read model up to date.",
    "sandbox": "Serve a stand-in for Stripe, for development.",
}
_WORKER_WORDS = 2
_ALL = "all"


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
    """Run the consumer `name` until it ends; `all`: every process that serves no HTTP, in one."""
    if name == _ALL:
        _run_all()
    else:
        _run(declared.WORKERS, name)


def _run(group: str, name: str) -> None:
    from infra.process.run import run_service

    run_service(_load(group, name))


def _run_all() -> None:
    from infra.process.run_together import run_together

    services = {name: _load(group, name) for name, group in declared.served_together().items()}
    run_together(declared.WORKERS_TOGETHER, services)


def _load(group: str, name: str) -> "Service":
    try:
        service: Service = declared.load(group, name)
    except declared.NotDeclared as error:
        _refuse(f"{error} Or all of them in one: all." if group == declared.WORKERS else str(error))
    return service


def _refuse(message: str) -> NoReturn:
    print(f"paystream: {message}", file=sys.stderr)
    raise SystemExit(WRONG_OPTION)
