"""`paystream doctor`: a table of what was looked at, or JSON."""

import asyncio
import json
import logging
import os
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from infra.cli import running_stack as stack
from infra.cli.exit_codes import WRONG_OPTION
from infra.cli.output import plain_table
from infra.doctor.deployment import Deployment, declared_deployment, given_deployment
from infra.doctor.examine import examine
from infra.doctor.finding import Finding, Status
from infra.embedded.errors import EmbeddedError
from infra.embedded.running import environments, folder_problem, is_running
from infra.process import declared

_WIDTH_OF_A_PIPE = 1000  # a line for each finding
_STYLES = {Status.OK: "green", Status.WARNING: "yellow", Status.ERROR: "bold red", Status.SKIPPED: "dim"}
_THREADS = 32  # names are looked up in threads: a slow one must not hold up the others
_FORCE_S = 1.0


def run_doctor(processes: Sequence[str], *, embedded: bool | None, as_json: bool) -> int:
    """Look at everything and print what was found; return the exit code: 1 for any error."""
    home = stack.home()
    if embedded is None:
        embedded = stack.stands_in()
    try:
        if embedded:
            variables = environments(home, list(processes) or declared.names(declared.SETTINGS))
            deployment = given_deployment(variables, processes)
            where = f"the stack that runs on {home.absolute()}"
        else:
            deployment = declared_deployment(processes)
            where = "the settings of the environment and .env"
    except (EmbeddedError, declared.NotDeclared) as error:
        print(f"paystream: {error}", file=sys.stderr)
        return WRONG_OPTION if isinstance(error, declared.NotDeclared) else 1
    return _examine(deployment, where, as_json=as_json, hint=None if embedded else _hint(home))


def _examine(deployment: Deployment, where: str, *, as_json: bool, hint: str | None) -> int:
    """Look, print, and end, even if a look-up still hangs in a thread."""
    # What libraries say of servers that are away is said in the table, in better words.
    logging.getLogger().addHandler(logging.NullHandler())
    if not as_json:
        print(f"Looking at {where} ...", flush=True)
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        findings = runner.run(examine(deployment))
        code = 1 if any(each.status is Status.ERROR for each in findings) else 0
        if as_json:
            print(json.dumps(_document(where, findings), indent=2))
        else:
            _show(findings)
            if code and hint:
                print(f"\n{hint}")
        sys.stdout.flush()
        ending = threading.Timer(_FORCE_S, os._exit, [code])
        ending.daemon = True
        ending.start()
    ending.cancel()
    return code


def _hint(home: Path) -> str | None:
    if is_running(home):
        return "A `make run` is running here. To look at it instead: paystream doctor --embedded"
    if not stack.set_places():
        if reason := folder_problem(home):
            return reason
        return "Nothing is set. Copy .env.example to .env and change it; or start `make run`, which needs no settings."
    return None


def _document(where: str, findings: Sequence[Finding]) -> dict[str, object]:
    counted = Counter(each.status for each in findings)
    return {
        "looked_at": where,
        "summary": {status.value: counted[status] for status in Status},
        "findings": [asdict(each) for each in findings],
    }


def _show(findings: Sequence[Finding]) -> None:
    width = None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    table = plain_table()
    for column in ("", "Area", "What"):
        table.add_column(column, no_wrap=column != "What", overflow="fold")
    table.add_column("Finding", overflow="fold", ratio=1)
    area = ""
    for each in findings:
        detail = Text(_printable(each.detail))
        if each.remedy is not None:
            detail.append(
                f"\n-> {_printable(each.remedy)}", style="cyan" if each.status is not Status.SKIPPED else "dim"
            )
        style = _STYLES[each.status]
        shown = "" if each.area == area else each.area
        table.add_row(Text(each.status.value, style=style), shown, Text(_printable(each.subject)), detail)
        area = each.area
    console.print(table)
    counted = Counter(each.status for each in findings)
    counts = [
        Text(f"{counted[status]} {status.value}", style=_STYLES[status] if counted[status] else "dim")
        for status in Status
    ]
    console.print()
    console.print(Text(", ").join(counts))


def _printable(text: str) -> str:
    """Return text that does nothing to a terminal: some of it comes from servers."""
    return "".join(each if each.isprintable() else " " for each in text)
