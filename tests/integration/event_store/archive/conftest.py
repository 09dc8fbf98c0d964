"""A log whose first partition may be archived."""

from pathlib import Path

import pytest

from event_store.store import Connection
from tests.support.archived_logs import OldLog
from tests.support.database import Database
from tests.support.sealed_logs import sealed_log


@pytest.fixture
def old(database: Database, app: Connection, tmp_path: Path) -> OldLog:
    return OldLog(sealed=sealed_log(database, app, tmp_path / "log"), folder=tmp_path / "archive")
