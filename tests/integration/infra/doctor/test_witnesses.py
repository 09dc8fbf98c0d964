"""What the doctor says of a real witness, and of servers that are none."""

from pathlib import Path

import pytest
from aiohttp import web

from event_store.sealer.settings import SealerSettings
from event_store.store import Connection
from infra.doctor.check import run_all
from infra.doctor.deployment import Deployment, Process
from infra.doctor.witnesses.checks import witness_checks
from infra.embedded.ports import free_port
from tests.support.database import Database
from tests.support.sealed_logs import KEY, SealedLog, sealed_log
from tests.support.witnesses import RunningWitness, answering, asking, new_key, witness

pytestmark = pytest.mark.integration


async def said(sealed: SealedLog, *witnesses: RunningWitness, quorum: int = 1) -> dict[str, tuple[str, str]]:
    variables = {
        "DATABASE_URL": sealed.database.url("sealer"),
        "REDIS_URL": "redis://127.0.0.1:9",
        "SEALER_KEY": str(KEY),
        "PROOFS_FOLDER": "tiles",
        "PROOFS_WITNESSES": ",".join(each.setting for each in witnesses),
        "PROOFS_WITNESS_QUORUM": str(quorum),
    }
    process = Process(name="worker-sealer", settings=SealerSettings, variables=variables)
    found = await run_all(list(witness_checks(Deployment(processes=(process,)))))
    return {each.subject: (each.status.value, each.detail) for each in found}


async def test_what_answers_and_signs_is_told_from_what_does_not(
    database: Database, app: Connection, tmp_path: Path
) -> None:
    async def not_found(_: web.Request) -> web.Response:
        return web.Response(status=404)

    sealed = sealed_log(database, app, tmp_path / "log")
    away = RunningWitness(url=f"http://127.0.0.1:{free_port()}", key=new_key("away"))
    async with (
        witness(tmp_path, "one") as one,
        answering("other", not_found) as other,
        asking(sealed, one) as ask,
    ):
        before = await said(sealed, one)
        await sealed.append(payments=3)
        await sealed.seal()
        await ask()
        after = await said(sealed, one, other, away)
        without_quorum = await said(sealed, one, other, away, quorum=2)
        await sealed.append(payments=3, seed=1)
        await sealed.seal()
        waiting = await said(sealed, one)
        kept = await one.newest()

    assert before["witness one.example"] == ("ok", "answers; nothing is sealed yet")
    size = int(kept.splitlines()[1])
    assert after["witness one.example"] == ("ok", f"answers; it has signed {size} events")
    assert after["witness other.example"][1].startswith(
        f"{other.url}: it answers 404, as no witness does; it has signed"
    )
    assert "it cannot be reached: ClientConnectorError" in after["witness away.example"][1]
    assert {name: status for name, (status, _) in after.items()} == {
        "witness one.example": "ok",
        "witness other.example": "warning",
        "witness away.example": "warning",
        "witness quorum": "ok",
    }
    assert without_quorum["witness quorum"][0] == "error"
    assert "events, and what came then waits for " in waiting["witness one.example"][1]
