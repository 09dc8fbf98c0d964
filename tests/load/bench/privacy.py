"""Payments whose personal data is encrypted, beside the same in clear."""

import asyncio
import itertools
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from domain.ids import UserId
from event_store.group_commit import GroupCommit
from event_store.privacy.vault import Vault
from infra.postgres.pool import create_pool
from tests.load.bench.append import durable_database
from tests.load.bench.measurement import Context, Goal, Measure, Prepared, Row, Rows, Sample
from tests.support.personal_payments import a_payment
from tests.support.vaults import open_test_vault

_SECONDS = 4.0
_CONNECTIONS = 2
_CALLERS = 16
_BY_ITSELF = 2000
_numbers = itertools.count()


def _user(*, is_new: bool) -> UserId:
    return UserId(f"user_{next(_numbers) if is_new else next(_numbers) % 100}")


async def _payments_a_second(appender: GroupCommit, *, are_new: bool, seconds: float) -> float:
    ends, count = time.monotonic() + seconds, 0

    async def append() -> None:
        nonlocal count
        while time.monotonic() < ends:
            await appender.append(a_payment(user_id=_user(is_new=are_new)))
            count += 1

    started = time.monotonic()
    await asyncio.gather(*(append() for _ in range(_CALLERS)))
    return count / (time.monotonic() - started)


async def _microseconds(vault: Vault) -> float:
    """Return what the encryption of a payment takes by itself, when the key of its user is known."""
    payments = [a_payment() for _ in range(_BY_ITSELF)]
    await vault.encrypt(payments[:1])
    started = time.perf_counter()
    for each in payments:
        await vault.encrypt([each])
    return (time.perf_counter() - started) / _BY_ITSELF * 1e6


def _prepare(*, are_new: bool) -> Callable[[Context], AbstractAsyncContextManager[Measure]]:
    @asynccontextmanager
    async def prepared(context: Context) -> Prepared:
        async with (
            durable_database(context) as database,
            create_pool(database.url("app"), size=_CONNECTIONS, name="bench") as pool,
            open_test_vault(database, cache_s=5.0) as vault,
        ):
            plain, encrypting = GroupCommit(pool), GroupCommit(pool, vault=vault)

            async def measure() -> Sample:
                seconds = context.seconds(_SECONDS)
                in_clear = await _payments_a_second(plain, are_new=are_new, seconds=seconds)
                encrypted = await _payments_a_second(encrypting, are_new=are_new, seconds=seconds)
                return Sample(value=encrypted, limit=in_clear, details={"us by itself": await _microseconds(vault)})

            yield measure
            await plain.close()
            await encrypting.close()

    return prepared


def _row(name: str, title: str, *, are_new: bool, share: float) -> Row:
    return Row(
        name=name,
        title=f"append payments with three personal values, {title}, {_CALLERS} callers",
        unit="payments/s",
        limit="the same in clear",
        goal=Goal(at_least=share, of_limit=True),
        prepare=_prepare(are_new=are_new),
    )


ROWS: Rows = (
    _row("encrypt-known", "of 100 users", are_new=False, share=0.65),
    _row("encrypt-new", "each of a new user", are_new=True, share=0.35),
)
