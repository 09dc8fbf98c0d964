"""An id of Stripe has one merchant, decided by PostgreSQL: also in one call, and at the same instant."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ids import MerchantId
from event_store.appends import Append, Appended, ForeignStripeId, VersionConflict
from event_store.group_commit import GroupCommit
from event_store.store import Connection, append
from infra.postgres.pool import Pool
from tests.support.database import Database
from tests.support.log_entries import an_append

pytestmark = pytest.mark.integration

ONE, TWO = MerchantId("one"), MerchantId("two")


def naming(merchant_id: MerchantId, *ids: str, key: str | None = None, expected_version: int = 0) -> Append:
    made = an_append(merchant_id=merchant_id, key=key, expected_version=expected_version)
    return replace(made, stripe_ids=frozenset(ids))


@pytest_asyncio.fixture
async def owner(database: Database) -> AsyncIterator[Connection]:
    """The owner's connection, in autocommit: the application's role cannot read whose the ids are."""
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as connection:
        yield connection


async def owners(app: Connection, owner: Connection) -> dict[str, str]:
    """Commit what the application has done, and return whose the ids are."""
    await app.commit()
    cursor = await owner.execute("SELECT stripe_id, merchant_id FROM event_store.stripe_id_owners")
    return dict(await cursor.fetchall())


async def test_in_one_call_the_first_has_it_and_neighbours_are_untouched(app: Connection, owner: Connection) -> None:
    items = [
        naming(ONE, "pm_1"),
        naming(TWO, "pm_1", "pm_2", key="k"),
        an_append(),
        naming(TWO, "pm_3"),
        naming(ONE, "pm_1", expected_version=3),
    ]
    results = await append(app, items)
    assert [type(each) for each in results] == [Appended, ForeignStripeId, Appended, Appended, VersionConflict]
    assert await owners(app, owner) == {"pm_1": ONE, "pm_3": TWO}, "what was refused has claimed nothing"
    again = await append(app, [naming(TWO, "pm_2", key="k")])
    assert [type(each) for each in again] == [Appended], "the idempotency key stayed free"
    positions = [each.position for each in results if isinstance(each, Appended)]
    assert positions == sorted(positions)


async def test_a_call_of_refused_ones_alone_writes_nothing(app: Connection, owner: Connection) -> None:
    await append(app, [naming(ONE, "cus_1")])
    assert await append(app, [naming(TWO, "cus_1"), naming(TWO, "cus_1", "pm_9")]) == [ForeignStripeId()] * 2
    assert await owners(app, owner) == {"cus_1": ONE}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.sampled_from([ONE, TWO]), st.sets(st.integers(0, 4), max_size=3)), max_size=12))
async def test_a_batch_is_decided_as_if_one_by_one(
    app: Connection, owner: Connection, batch: list[tuple[MerchantId, set[int]]]
) -> None:
    """Of the same ids, a refused element gives free only what nobody else in the batch was given."""
    run = uuid.uuid4().hex
    items = [naming(merchant, *(f"pm_{run}x{number}" for number in numbers)) for merchant, numbers in batch]
    results = await append(app, items)
    known = await owners(app, owner)
    for item, result in zip(items, results, strict=True):
        if isinstance(result, Appended):
            assert all(known[each] == item.merchant_id for each in item.stripe_ids)
        else:
            assert result == ForeignStripeId()
    for stripe_id, merchant in known.items():
        if run in stripe_id:
            assert any(
                item.merchant_id == merchant and stripe_id in item.stripe_ids and isinstance(result, Appended)
                for item, result in zip(items, results, strict=True)
            )


async def test_of_many_at_the_same_instant_one_merchant_has_it(pool: Pool) -> None:
    appenders = [GroupCommit(pool) for _ in range(4)]
    for number in range(15):
        stripe_id = f"cus_{number}"
        merchants = [MerchantId(f"merchant_{each}") for each in range(len(appenders) * 2)]
        results = await asyncio.gather(
            *(
                appenders[at % len(appenders)].append(naming(merchant, stripe_id))
                for at, merchant in enumerate(merchants)
            )
        )
        assert sum(isinstance(each, Appended) for each in results) == 1
    for each in appenders:
        await each.close()


async def test_what_is_known_to_a_process_is_not_claimed_again(pool: Pool) -> None:
    appender = GroupCommit(pool)
    assert isinstance(await appender.append(naming(ONE, "cus_1")), Appended)
    sent: list[Append] = []
    submit = appender._batcher.submit

    async def seen(item: Append) -> object:
        sent.append(item)
        return await submit(item)

    appender._batcher.submit = seen  # type: ignore[method-assign,assignment]
    assert isinstance(await appender.append(naming(ONE, "cus_1")), Appended)
    assert isinstance(await appender.append(naming(TWO, "cus_1")), ForeignStripeId)
    assert [each.stripe_ids for each in sent] == [frozenset(), {"cus_1"}]
    await appender.close()


async def test_nobody_gives_an_id_to_another_merchant_or_asks_whose_it_is(app: Connection) -> None:
    await append(app, [naming(ONE, "cus_1")])
    await app.commit()
    for statement in (
        "SELECT merchant_id FROM event_store.stripe_id_owners",
        "UPDATE event_store.stripe_id_owners SET merchant_id = 'two'",
        "DELETE FROM event_store.stripe_id_owners",
        "INSERT INTO event_store.stripe_id_owners VALUES ('cus_2', 'two')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await app.execute(statement)
        await app.rollback()
