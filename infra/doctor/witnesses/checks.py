"""Asks each witness that a sealer is configured with, and its database for what they have signed."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from functools import partial
from pathlib import Path

import aiohttp
import psycopg
from psycopg.rows import class_row
from pydantic import ValidationError

from infra.doctor.check import Check
from infra.doctor.deployment import Deployment
from infra.doctor.finding import Finding
from infra.doctor.postgres.server import connect
from infra.doctor.proofs import AREA
from infra.doctor.witnesses.cosigning import Cosigned, WitnessAnswer, without_witnesses, witness_findings
from infra.doctor.witnesses.submission import unreachable_reason
from infra.postgres.queries import Queries
from infra.settings.postgres import DatabaseSettings
from infra.settings.proofs import SealerKeySettings, WitnessesSettings

_QUERIES = Queries.load(Path(__file__).with_name("statements.sql"))


class WitnessedSettings(DatabaseSettings, SealerKeySettings, WitnessesSettings):
    """What a sealer has of them."""


def witness_checks(deployment: Deployment) -> Iterator[Check]:
    """Yield a check for each sealer that has a key. What is wrong with its settings, others say."""
    for process in deployment.processes:
        if not all(issubclass(process.settings, each) for each in WitnessedSettings.__bases__):
            continue
        try:
            settings = process.read(WitnessedSettings)
        except ValidationError:
            continue
        if settings.has_sealer_key:
            yield Check(area=AREA, run=partial(_ask, settings))


async def _ask(settings: WitnessedSettings) -> AsyncGenerator[Finding, None]:
    found = [each.partition(" ")[::2] for each in settings.proofs_witnesses]
    if not found:
        yield without_witnesses(production=settings.app_env == "production")
        return
    async with aiohttp.ClientSession() as session:
        signed, away = await asyncio.gather(
            _cosigned(settings.database_url.get_secret_value(), [key for _, key in found]),
            asyncio.gather(*(unreachable_reason(session, url) for url, _ in found)),
        )
    answers = [
        WitnessAnswer(name=key.partition("+")[0], url=url, unreachable=unreachable, cosigned=signed.get(key))
        for (url, key), unreachable in zip(found, away, strict=True)
    ]
    for finding in witness_findings(answers, settings.proofs_witness_quorum or len(found)):
        yield finding


async def _cosigned(url: str, keys: list[str]) -> dict[str, Cosigned]:
    """Return what each has signed; nothing where the database does not say: why is found by the checks of it."""
    try:
        async with await connect(url) as connection, connection.cursor(row_factory=class_row(Cosigned)) as cursor:
            await cursor.execute(_QUERIES.cosigned, {"witnesses": keys})
            return {each.witness: each for each in await cursor.fetchall()}
    except psycopg.Error:
        return {}
