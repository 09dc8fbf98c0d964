"""`paystream demo`: the scenario on a stack of its own, on free ports and in a folder that is removed afterwards."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from infra.cli.demo_scenario import Result, Scenario, client
from infra.cli.foreground import EndSignals, unless
from infra.cli.screen import Screen
from infra.embedded.errors import EmbeddedError
from infra.embedded.stack import Stack


def run_demo() -> int:
    """Play the scenario; return the exit code: 0 only if every step was right."""
    screen = Screen()
    try:
        with tempfile.TemporaryDirectory(prefix="paystream-demo-", ignore_cleanup_errors=True) as folder:
            return asyncio.run(_demo(Path(folder), screen))
    except KeyboardInterrupt:  # before or after the signals are ours: nothing runs then
        return 1
    except EmbeddedError as error:
        print(f"\npaystream: {error}", file=sys.stderr)
        return 1


async def _demo(folder: Path, screen: Screen) -> int:
    signals = EndSignals()
    stack = Stack(folder, fsync=False, supervise=True, report=screen.report)
    signals.running = stack
    screen.say("Starting a Paystream for this demo alone")
    try:
        if not await unless(signals.stop_requested, stack.start()):
            return 1
        screen.say("", "Playing the scenario", "")
        with client(stack.urls.command_api) as command_api, client(stack.urls.query_api) as query_api:
            scenario = Scenario(command_api=command_api, query_api=query_api)
            results: list[Result] = []

            async def play() -> None:
                results.extend(await asyncio.to_thread(scenario.play))

            if not await unless(signals.stop_requested, play()):
                return 1
        screen.say(_results_table(results), "", _timeline_table(scenario.timeline), "")
        wrong = [result for result in results if result.wrong]
        screen.say(_summary(len(results), len(wrong)))
        return 1 if wrong else 0
    finally:
        await stack.stop()


def _results_table(results: Sequence[Result]) -> Table:
    table = Table(title="Scenario", title_justify="left", expand=False)
    for heading in ("", "Step", "Outcome"):
        table.add_column(heading)
    table.add_column("Seconds", justify="right")
    for result in results:
        mark = Text("WRONG", style="red") if result.wrong else Text("right", style="green")
        table.add_row(mark, result.title, Text(result.wrong or result.outcome), f"{result.seconds:.2f}")
    return table


def _timeline_table(timeline: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="Timeline of the first payment", title_justify="left", expand=False)
    for heading in ("Version", "Event", "At (UTC)", "By"):
        table.add_column(heading)
    for entry in timeline:
        table.add_row(str(entry["version"]), entry["type"], _time_of_day(entry["at"]), str(entry["actor"]))
    return table


def _time_of_day(timestamp: str) -> str:
    return datetime.fromisoformat(timestamp).strftime("%H:%M:%S.%f")[:-3]


def _summary(steps: int, wrong: int) -> Text:
    if wrong:
        return Text(f"{wrong} of {steps} steps went wrong.", style="bold red")
    return Text(f"All {steps} steps are right.", style="bold green")
