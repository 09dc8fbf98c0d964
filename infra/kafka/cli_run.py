"""Runs `paystream topics`, and prints what came of it."""

import dataclasses
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from infra.cli.execute import run
from infra.cli.exit_codes import COULD_NOT_LOOK
from infra.cli.output import print_json_lines
from infra.kafka.topic_check import Comparison, remedy
from infra.kafka.topics import cell_declarations, compare_topics, create_topics
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings


def run_topics_create() -> int:
    """Create the missing topics and say which; return the exit code."""
    settings = load_settings(KafkaSettings)
    declarations = cell_declarations(settings)

    async def work() -> int:
        created = await create_topics(settings, declarations)
        for name in created:
            print(f"created {name}")
        print(f"{len(declarations)} topics are there, {len(created)} of them new.")
        return 0

    return run(work())


def run_topics_verify(*, as_json: bool) -> int:
    """Print what is declared beside what is, and how to correct each difference; return the exit code."""
    settings = load_settings(KafkaSettings)
    declarations = cell_declarations(settings)

    async def work() -> int:
        compared, missing = await compare_topics(settings, declarations)
        if as_json:
            print_json_lines(dataclasses.asdict(each) | {"differs": each.differs} for each in compared)
            print_json_lines({"topic": each, "missing": True} for each in missing)
            return 1 if missing or any(each.differs for each in compared) else 0
        _print_table(compared, missing)
        differences = [each for each in compared if each.differs]
        if any(each.actual is None for each in compared):
            print("The broker does not report the settings marked as not told: they were not compared.")
        if missing:
            print(f"{len(missing)} topics are missing. Create them: paystream topics create")
        for each in differences:
            print(f"{each.topic}, {each}:\n    {remedy(each, settings.kafka_bootstrap_servers)}")
        if missing or differences:
            return 1
        print(f"{len(declarations)} topics are as declared.")
        return 0

    return run(work(), failed=COULD_NOT_LOOK)


def _print_table(compared: Sequence[Comparison], missing: Sequence[str]) -> None:
    table = Table("topic", "setting", "expected", "actual", "", box=None, pad_edge=False)
    for each in compared:
        actual = "not told" if each.actual is None else each.actual
        table.add_row(each.topic, each.setting, each.declared, actual, "DIFFERS" if each.differs else "")
    for topic in missing:
        table.add_row(topic, "", "exists", "missing", "DIFFERS")
    # As wide as it needs to be: names that are cut or folded could not be searched for or copied.
    Console(width=200, soft_wrap=True, markup=False, highlight=False, emoji=False).print(table)
