"""`paystream audit show` of a place that the log has not come to: refused, rather than to show the newest as that."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from event_store.store import Connection as AppConnection
from tests.support.database import Database
from tests.support.payment_histories import events_of, paid, request_payment
from tests.support.paystream_command import paystream
from tests.support.read_model import load_log, store

pytestmark = pytest.mark.integration


async def test_what_is_yet_to_come_is_refused(database: Database, app: AppConnection, tmp_path: Path) -> None:
    request = request_payment()
    await store(app, [(request.payment_id, events_of(paid(request)))])
    log = await load_log(app)
    last, end = log[-1].version, log[-1].position
    settings = {"audit_database_url": database.url("audit"), "kafka_bootstrap_servers": "127.0.0.1:9"}
    soon = datetime.now(UTC) + timedelta(hours=1)

    async def show(*place: str) -> tuple[int, str]:
        ended = await paystream("audit", "show", str(request.payment_id), *place, cwd=tmp_path, settings=settings)
        return ended.code, ended.errors

    assert await show("--version", str(last)) == (0, "")
    assert await show("--as-of", str(end)) == (0, "")
    assert await show("--as-of", datetime.now(UTC).isoformat()) == (0, "")
    code, said = await show("--version", str(last + 1))
    assert (code, f"has {last} events: there is no version {last + 1} yet" in said) == (1, True), said
    code, said = await show("--as-of", str(end + 1))
    assert (code, f"the log ends at position {end}" in said) == (1, True), said
    code, said = await show("--as-of", soon.isoformat())
    assert (code, "is yet to come" in said) == (2, True), said
    code, said = await show("--as-of", str(2**63))
    assert (code, "is larger than any position" in said) == (2, True), said
