"""What cannot be checked on this machine is not collected, and said at the end.

`CLIENTS_NOT_CHECKED` names more of it, as `python -m tests.clients` prints it.
"""

import os

import pytest

from tests.clients.toolbox import NEEDS, missing


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    lacking = _not_checked()
    deselected = [item for item in items if _checked(item) in lacking]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if _checked(item) not in lacking]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.option.markexpr == "clients":  # other runs were not to check it
        for checked, reason in _not_checked().items():
            terminalreporter.write_line(f"NOT CHECKED: {checked}: {reason}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if session.config.option.markexpr == "clients" and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK  # none of the tools is here: that is said, and is no failure


def _not_checked() -> dict[str, str]:
    reported = [line.partition(": ") for line in os.environ.get("CLIENTS_NOT_CHECKED", "").splitlines()]
    here = {checked: f"there is no {', no '.join(missing(checked))}" for checked in NEEDS if missing(checked)}
    return {**{checked: reason for checked, _, reason in reported}, **here}


def _checked(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker("needs_tools_of")
    return None if marker is None else str(marker.args[0])
