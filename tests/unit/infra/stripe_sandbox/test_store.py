import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from infra.stripe_sandbox.app import build_sandbox
from infra.stripe_sandbox.commits import Commits
from infra.stripe_sandbox.payment_methods import PaymentMethod
from infra.stripe_sandbox.store import Store, StoredAnswer, StoreError
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

ANSWER = StoredAnswer(fingerprint="f", request_id="req_1", status=200, body=b"{}")


def method(number: int) -> PaymentMethod:
    return PaymentMethod(id=f"pm_{number}", created=1, card_name="pm_card_visa")


def test_a_transaction_that_fails_leaves_nothing_and_its_neighbours_stay(store: Store) -> None:
    with store.transaction():
        store.insert("acct", method(1))
    with suppress(RuntimeError), store.transaction():
        store.insert("acct", method(2))
        store.keep_answer("acct", "k", ANSWER, now=1000, until=0)
        store.schedule("pm_2", 5.0)
        raise RuntimeError
    with store.transaction():
        store.insert("acct", method(3))
    store.commit()

    assert [record.id for record in store.everything(PaymentMethod)] == ["pm_1", "pm_3"]
    assert store.find_answer("acct", "k", since=0) is None
    assert store.next_due is None


async def test_one_commit_serves_all_who_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    commits, made = Commits(store=store), 0
    commit = store.commit

    def counted() -> None:
        nonlocal made
        made += 1
        commit()

    monkeypatch.setattr(store, "commit", counted)

    async def write(number: int) -> None:
        with store.transaction():
            store.insert("acct", method(number))
        await commits.done()

    await asyncio.gather(*(write(number) for number in range(20)))
    await commits.done()

    assert made == 1
    assert not store.uncommitted


async def test_a_commit_that_fails_fails_all_who_wait_and_not_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = Commits(store=store)

    def full() -> None:
        store._connection.execute("ROLLBACK")
        store.uncommitted = False
        raise sqlite3.OperationalError("database or disk is full")

    async def write(number: int) -> None:
        with store.transaction():
            store.insert("acct", method(number))
        await commits.done()

    with monkeypatch.context() as patch:
        patch.setattr(store, "commit", full)
        outcomes = await asyncio.gather(write(1), write(2), return_exceptions=True)
    await write(3)

    assert [type(outcome) for outcome in outcomes] == [sqlite3.OperationalError] * 2
    assert [record.id for record in store.everything(PaymentMethod)] == ["pm_3"]


async def test_a_lost_commit_is_answered_500_and_keeps_nothing(
    stripe_http: StripeHttp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        store._connection.execute("ROLLBACK")
        store.uncommitted = False
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "commit", full)
        lost = await stripe_http.post("/v1/payment_intents", key="k1", **PAYMENT)
    again = await stripe_http.post("/v1/payment_intents", key="k1", **PAYMENT)

    assert lost.status_code == 500
    assert lost.json()["error"]["type"] == "api_error"
    assert again.status_code == 200
    assert "idempotent-replayed" not in again.headers


async def test_everything_is_there_after_opening_the_file_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sandbox.db"
    store = Store(path)
    api = StripeHttp(build_sandbox(store))
    first = await api.post("/v1/payment_intents", key="k1", **{**PAYMENT, "metadata": {"order": "7"}})
    refund = await api.post("/v1/refunds", payment_intent=first.json()["id"], amount=100)
    store.close()

    reopened = Store(path)
    api = StripeHttp(build_sandbox(reopened))
    again = await api.post("/v1/payment_intents", key="k1", **{**PAYMENT, "metadata": {"order": "7"}})
    found = await api.get("/v1/payment_intents/search", query="metadata['order']:'7'")
    refunds = await api.get("/v1/refunds", payment_intent=first.json()["id"])
    reopened.close()

    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert found.json()["data"] == [first.json()]
    assert refunds.json()["data"] == [refund.json()]


async def test_a_refund_that_was_due_while_the_sandbox_was_down_moves_afterwards(tmp_path: Path) -> None:
    path, now = tmp_path / "sandbox.db", 1000.0
    store = Store(path)
    api = StripeHttp(build_sandbox(store, clock=lambda: now, settle_ms=5000))
    intent = await api.pay(payment_method="pm_card_pendingRefund")
    pending = (await api.post("/v1/refunds", payment_intent=intent["id"])).json()
    store.close()

    now = 1010.0
    reopened = Store(path)
    api = StripeHttp(build_sandbox(reopened, clock=lambda: now))
    moved = (await api.get(f"/v1/refunds/{pending['id']}")).json()
    reopened.close()

    assert (pending["status"], moved["status"]) == ("pending", "succeeded")


def test_two_cannot_use_one_file(tmp_path: Path) -> None:
    first = Store(tmp_path / "sandbox.db")

    with pytest.raises(StoreError, match="database is locked"):
        Store(tmp_path / "sandbox.db")

    first.close()
    Store(tmp_path / "sandbox.db").close()


@pytest.mark.parametrize("content", [b"this is no database, but a letter to somebody else" * 30])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sandbox.db").write_bytes(content)

    with pytest.raises(StoreError, match=r"cannot use the sandbox's data file .*sandbox\.db"):
        Store(tmp_path / "sandbox.db")


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "sandbox.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(StoreError, match="is of version 99, not 4: remove it"):
        Store(tmp_path / "sandbox.db")


async def test_a_file_of_the_first_version_gains_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    store = Store(path)
    first = await StripeHttp(build_sandbox(store)).post("/v1/payment_intents", key="k1", **PAYMENT)
    store.close()
    with sqlite3.connect(path) as connection:
        for table in ("balance_transactions", "events", "deliveries", "fault_rules", "clock"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("ALTER TABLE idempotency_keys DROP COLUMN created")
        connection.execute("PRAGMA user_version = 1")
    connection.close()

    upgraded = Store(path)
    api = StripeHttp(build_sandbox(upgraded))
    again = await api.post("/v1/payment_intents", key="k1", **PAYMENT)
    refund = await api.refund(first.json())
    upgraded.close()

    assert again.content == first.content
    assert refund["status"] == "succeeded"


async def test_a_file_of_the_version_before_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    store = Store(path)
    first = await StripeHttp(build_sandbox(store)).post("/v1/payment_intents", key="k1", **PAYMENT)
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX deliveries_not_taken")
        connection.execute("PRAGMA user_version = 3")
    connection.close()

    upgraded = Store(path)
    api = StripeHttp(build_sandbox(upgraded))
    again = await api.post("/v1/payment_intents", key="k1", **PAYMENT)
    undelivered = await api.data("/v1/events", delivery_success=False)
    upgraded.close()

    assert again.content == first.content
    assert undelivered == []
