"""What is printed of what happens."""

import os
import sys

import pytest

from infra.cli.readable_logs import LogLine
from infra.cli.screen import Screen
from infra.embedded.reports import ComponentReady


def shown(number: int, style: str = "") -> LogLine:
    return LogLine(at=1000.0 + number, subject="relay", text=f"event-{number}", style=style)


def test_a_path_with_brackets_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().say("Starting Paystream in /home/[red]/.paystream")
    assert capsys.readouterr().out == "Starting Paystream in /home/[red]/.paystream\n"


def test_lines_of_several_files_are_printed_in_the_order_of_their_times(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().log_lines([shown(2), shown(1), shown(3)])
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["event-1", "event-2", "event-3"]


def test_of_very_many_events_every_warning_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().log_lines([*map(shown, range(100)), *(shown(number, "red") for number in range(100, 140))])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 25 + 40 + 1
    assert "event-139" in lines[-2]
    assert lines[-1].strip() == "and 75 more events"


def test_who_reads_no_more_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        screen = Screen()
        screen.say("Stopping ...")
        screen.report(ComponentReady(label="Valkey", address="127.0.0.1:1", seconds=0.1))
