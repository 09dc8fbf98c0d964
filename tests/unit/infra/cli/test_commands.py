"""The command line: what it offers, and what it says about what is not there."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints, version
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from event_store.access.cli import MAX_DAYS
from infra.cli import processes
from infra.cli.app import app
from infra.cli.commands import MAX_REASON_CHARS, actor_or_user
from infra.process import declared
from schemas.http import access, operations


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Two workers, and what is run instead of them."""
    entries = EntryPoints(
        [
            EntryPoint(name="printer", value="builtins:print", group=declared.WORKERS),
            EntryPoint(name="other", value="builtins:len", group=declared.WORKERS),
            EntryPoint(name="relay", value="builtins:max", group=declared.PROCESSES),
            EntryPoint(name="projector", value="builtins:min", group=declared.PROCESSES),
        ]
    )
    monkeypatch.setattr(declared, "entry_points", entries.select)
    ran: list[Any] = []
    monkeypatch.setattr("infra.process.run.run_service", ran.append)
    monkeypatch.setattr("infra.process.run_together.run_together", lambda *arguments: ran.append(arguments))
    return ran


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0
    for command in (
        *("up", "demo", "doctor", "migrate", "migrate-create", "topics", "kafka", "worker"),
        *("command-api", "query-api", "back-office", "relay", "projector", "sandbox"),
    ):
        assert f"  {command} " in shown.output


@pytest.mark.parametrize("command", ["worker", "relay", "doctor", "topics create", "kafka start"])
def test_every_command_explains_itself(command: str) -> None:
    assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0


def walked(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walked(inner, f"{words} {name}")


EVERY_COMMAND = dict(walked(get_command(app), "paystream"))


@pytest.mark.parametrize("words", EVERY_COMMAND)
def test_no_help_is_cut_at_80_columns(words: str) -> None:
    command = EVERY_COMMAND[words]
    context = typer.Context(command, info_name=words, terminal_width=80, max_content_width=80)
    lines = [line for line in command.get_help(context).splitlines() if not line.startswith("Usage:")]
    assert len(lines) > 3
    assert not [line for line in lines if line.endswith("...") or len(line) > 80]


def leaf(words: str) -> bool:
    return not hasattr(EVERY_COMMAND[words], "commands")


@pytest.mark.parametrize("words", [*filter(leaf, EVERY_COMMAND)])
def test_every_help_ends_with_an_example_that_can_be_given(words: str) -> None:
    command = EVERY_COMMAND[words]
    example = shlex.split((command.epilog or "").removeprefix("Example: "))
    path = words.split()
    assert example[: len(path)] == path
    command.make_context(words, example[len(path) :])
    shown = " ".join(CliRunner().invoke(app, [*path[1:], "--help"]).output.split())
    assert shown.endswith(command.epilog)


NUMBERED = [
    (words, each)
    for words, command in EVERY_COMMAND.items()
    for each in command.params
    if hasattr(each, "type_descriptor") and each.type_descriptor.annotation in (int, float, list[int])
]


@pytest.mark.parametrize(("words", "number"), NUMBERED, ids=[f"{words} {each.name}" for words, each in NUMBERED])
@pytest.mark.parametrize("value", [2**63, 10**40])
def test_a_number_that_postgresql_cannot_hold_is_refused(words: str, number: Any, value: int) -> None:
    given = [str(value)] if number.param_type_name == "argument" else [number.opts[0], str(value)]
    refused = CliRunner().invoke(app, [*words.split()[1:], *given])
    named = number.metavar if number.param_type_name == "argument" else number.opts[0]
    assert (refused.exit_code, f"Invalid value for '{named}'" in refused.output) == (2, True), refused.output


def test_the_numbers_of_the_commands_are_found() -> None:
    assert len(NUMBERED) > 15


def test_the_version_is_the_installed_one() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert (shown.exit_code, shown.output) == (0, f"paystream {version('paystream')}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(shell: str) -> None:
    variables = {
        "_PAYSTREAM_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "paystream aud",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "paystream aud",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ended = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'paystream'; from infra.cli import main; main()"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "audit" in ended.stdout


@pytest.mark.parametrize("words", [words for words in EVERY_COMMAND if leaf(words)])
def test_json_is_lines_and_the_doctors_is_one_document(words: str) -> None:
    said = [each.help for each in EVERY_COMMAND[words].params if "--json" in each.opts]
    kind = "one JSON document" if words == "paystream doctor" else "JSON lines"
    assert said in ([], [f"Print {kind}, for machines."])


REASONED = [words for words, command in EVERY_COMMAND.items() if "reason" in {each.name for each in command.params}]


@pytest.mark.parametrize("words", REASONED)
def test_a_reason_that_says_nothing_or_too_much_is_refused(words: str) -> None:
    for reason, said in (("", "say why"), (" ", "say why"), ("x" * 501, "has 501 characters; it may have 500")):
        refused = CliRunner().invoke(app, [*words.split()[1:], "--reason", reason])
        assert (refused.exit_code, said in refused.output) == (2, True), refused.output


def test_a_reason_is_as_long_as_over_http() -> None:
    assert (MAX_REASON_CHARS, len(REASONED) > 15) == (operations.MAX_REASON_CHARS, True)


def test_a_key_lives_as_long_as_over_http() -> None:
    assert MAX_DAYS == access.MAX_DAYS


@pytest.mark.parametrize(
    "words", [words for words, command in EVERY_COMMAND.items() if "actor" in {each.name for each in command.params}]
)
def test_an_actor_is_the_user_unless_named_and_never_blank(words: str) -> None:
    (actor,) = [each for each in EVERY_COMMAND[words].params if each.name == "actor"]
    assert not actor.required
    assert "By default the user of this machine." in actor.help
    refused = CliRunner().invoke(app, [*words.split()[1:], "--actor", " "])
    assert (refused.exit_code, "say who" in refused.output) == (2, True), refused.output


def test_where_the_user_has_no_name_an_actor_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number."""

    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("infra.cli.commands.getuser", nameless)
    assert actor_or_user("anna") == "anna"
    refused = CliRunner().invoke(app, ["merchants", "create", "shop", "--reason", "new"])
    assert (refused.exit_code, "say who with --actor" in refused.output) == (2, True), refused.output


TABLES = (
    *("merchants list", "keys list", "sagas list", "tasks list", "dlq list", "discrepancies list", "staff list"),
    *("webhooks endpoints", "webhooks deliveries", "projections list", "projections status", "topics verify"),
    *("audit diff", "audit invariants", "audit verify"),
)


def test_what_prints_a_table_prints_json_lines_too() -> None:
    listing = {words.removeprefix("paystream ") for words in EVERY_COMMAND if words.endswith(" list")}
    assert listing <= set(TABLES)
    for words in TABLES:
        assert "--json" in {each for parameter in EVERY_COMMAND[f"paystream {words}"].params for each in parameter.opts}


def test_a_broker_that_there_is_not_is_refused() -> None:
    shown = CliRunner().invoke(app, ["up", "--broker", "rabbit"])
    assert shown.exit_code == 2
    assert "'embedded', 'apache'" in shown.output


def test_help_loads_nothing_of_what_the_commands_need() -> None:
    script = "import sys; import infra.cli.app; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "psycopg", "aiokafka", "sqlalchemy", "rich.markdown", "httpx"} & set(loaded)


def test_a_worker_is_found_by_its_name(entry_points: list[Any]) -> None:
    assert processes.run_if_process(["worker", "printer"]) is True
    assert entry_points == [print]


def test_all_workers_are_run_with_relay_and_projector(entry_points: list[Any]) -> None:
    assert processes.run_if_process(["worker", "all"]) is True
    assert entry_points == [("workers", {"relay": max, "projector": min, "other": len, "printer": print})]


@pytest.mark.usefixtures("entry_points")
def test_an_unknown_worker_is_answered_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        processes.run_if_process(["worker", "striped-gateway"])
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        "paystream: There is no worker 'striped-gateway'. There are: other, printer. Or all of them in one: all.\n"
    )


def test_without_an_installation_the_remedy_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared, "entry_points", EntryPoints([]).select)
    with pytest.raises(SystemExit):
        processes.run_process("relay")
    assert "make install" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["up"], ["relay", "--help"], ["worker"], ["worker", "--help"]])
def test_other_arguments_are_left_to_the_parser(arguments: list[str]) -> None:
    assert processes.run_if_process(arguments) is False
