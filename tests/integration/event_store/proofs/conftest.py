"""A log that is sealed into a folder of its own."""

from pathlib import Path

import pytest

from event_store.store import Connection
from tests.support.database import Database
from tests.support.sealed_logs import SealedLog, sealed_log


@pytest.fixture
def sealed(database: Database, app: Connection, tmp_path: Path) -> SealedLog:
    return sealed_log(database, app, tmp_path / "log")
