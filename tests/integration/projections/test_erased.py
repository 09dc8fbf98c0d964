"""The read model shows personal data in clear, until it is erased; and a replay makes the same of it."""

from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
import pytest_asyncio

from domain.ids import PaymentId
from event_store.payments import load_payment
from event_store.privacy.attached import attach
from event_store.privacy.erase import Order, erase
from event_store.privacy.vault import Vault
from event_store.store import Connection as AppConnection
from event_store.store import append
from infra.postgres.pool import Connection, Pool
from projections.audit.diff import row_differences
from projections.payment_timeline.projection import load as load_timelines
from projections.payments.projection import load as load_rows
from projections.scratch import KeysNeeded
from projections.verify import differences
from tests.support.database import Database
from tests.support.personal_payments import DESCRIPTION, METADATA, SUBJECT, a_payment, known_to_stripe
from tests.support.read_model import load_log, project_log
from tests.support.rebuilds import rebuilding
from tests.support.vaults import METADATA_KEYS, open_test_vault

pytestmark = pytest.mark.integration

ORDER = Order(subject=SUBJECT, actor="privacy@shop.example", reason="case 4711")
ERASED = {"email": "[erased]", "customerName": "[erased]", "order": "A-1001"}


@pytest_asyncio.fixture
async def vault(database: Database) -> AsyncIterator[Vault]:
    async with open_test_vault(database, role="projector") as opened:
        yield opened


@pytest_asyncio.fixture
async def payment_id(database: Database, app: AppConnection) -> AsyncIterator[PaymentId]:
    """A payment that is in the log, encrypted, and known to Stripe."""
    async with open_test_vault(database) as opened:
        attach(app, opened)
        item = a_payment()
        await append(app, [item])
        payment = await load_payment(app, PaymentId(item.stream_id))
        await append(app, [known_to_stripe(payment, item.stream_id)])
        await app.commit()
        yield PaymentId(item.stream_id)


Project = Callable[[], Awaitable[None]]


@pytest.fixture
def project(app: AppConnection, pool: Pool, vault: Vault) -> Project:
    """Bring the read model up to date."""

    async def up_to_date() -> None:
        await project_log(pool, await load_log(app), vault=vault)

    return up_to_date


async def erased(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("erasure"), autocommit=True) as officer:
        await erase(officer, ORDER, metadata_keys=METADATA_KEYS)


async def shown(reader: Connection, payment_id: PaymentId) -> tuple[object, object]:
    """Return what the row shows and what the timeline says first."""
    row = (await load_rows(reader, [payment_id]))[payment_id]
    said = (await load_timelines(reader, [payment_id]))[payment_id][0].data
    return (row.description, row.metadata), (said["description"], said["metadata"])


async def diff(database: Database, vault: Vault | None) -> list[object]:
    """Compare as an auditor does."""
    async with await psycopg.AsyncConnection.connect(database.url("audit"), autocommit=True) as auditor:
        return [each async for each in row_differences(auditor, partitions=1, vault=vault)]


async def test_the_read_model_is_scrubbed_by_the_erasure(
    database: Database, reader: Connection, project: Project, vault: Vault, payment_id: PaymentId
) -> None:
    await project()
    assert await shown(reader, payment_id) == ((DESCRIPTION, METADATA),) * 2
    await erased(database)
    await project()
    assert await shown(reader, payment_id) == (("[erased]", ERASED),) * 2
    assert await differences(reader, reader, vault=vault) == []
    async with open_test_vault(database, role="audit") as auditors:
        assert await diff(database, auditors) == []


async def test_a_read_model_that_is_built_later_is_the_same(
    database: Database, reader: Connection, project: Project, payment_id: PaymentId
) -> None:
    await erased(database)
    await project()
    assert await shown(reader, payment_id) == (("[erased]", ERASED),) * 2


@pytest.mark.parametrize("is_erased", [False, True], ids=["known", "erased"])
async def test_a_rebuild_shows_what_the_live_tables_show(
    database: Database, reader: Connection, project: Project, payment_id: PaymentId, is_erased: bool
) -> None:
    await project()
    if is_erased:
        await erased(database)
        await project()
    before = await shown(reader, payment_id)
    assert (DESCRIPTION in str(before)) is not is_erased
    for projection in ("payments", "payment_timeline"):
        async with (
            open_test_vault(database, role="owner") as owners,
            rebuilding(database, projection, partitions=1, vault=owners) as work,
        ):
            build, comparison = await work.build()
            assert not comparison.differences
            await work.swap(build, comparison, forced=False, reason=None)
    assert await shown(reader, payment_id) == before


@pytest.mark.usefixtures("payment_id")
async def test_a_rebuild_without_keys_says_what_it_needs(database: Database, project: Project) -> None:
    await project()
    async with rebuilding(database, "payments", partitions=1) as work:
        with pytest.raises(KeysNeeded, match="PRIVACY_WRAPPING_KEYS"):
            await work.build()


@pytest.mark.usefixtures("payment_id")
async def test_a_comparison_without_keys_says_what_it_needs(database: Database, project: Project) -> None:
    await project()
    async with open_test_vault(database, role="audit") as auditors:
        assert await diff(database, auditors) == []
    with pytest.raises(KeysNeeded, match="PRIVACY_WRAPPING_KEYS"):
        await diff(database, None)
