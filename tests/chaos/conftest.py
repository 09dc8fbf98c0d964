"""What holds for every test that kills servers."""

from pathlib import Path

import pytest

# A request that is given up while its connection is handed over leaves httpcore's socket to the garbage collector:
# https://github.com/encode/httpcore/issues/1093. The clients are those of the tests.
_LEFT_SOCKET = r"ignore:Exception ignored in. <(socket\.socket|function _SelectorTransport\.__del__):"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let no test fail because of a socket that a client forgot when its server was killed."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(f"{_LEFT_SOCKET}pytest.PytestUnraisableExceptionWarning"))
