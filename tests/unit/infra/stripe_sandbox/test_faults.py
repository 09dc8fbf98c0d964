import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.stripe_sandbox.app import build_sandbox
from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.faults.requests import ConnectionDropped
from infra.stripe_sandbox.store import Store
from tests.unit.infra.stripe_sandbox.stripe_http import ADDRESS, PAYMENT, StripeHttp

INTENTS = "/v1/payment_intents"


@pytest.mark.parametrize(
    ("effect", "status", "code"),
    [
        ("rate_limit", 429, "rate_limit"),
        ("lock_timeout", 429, "lock_timeout"),
        ("key_in_use", 409, "idempotency_key_in_use"),
    ],
)
async def test_a_request_is_turned_away_without_a_trace(
    stripe_http: StripeHttp, admin: SandboxAdmin, effect: str, status: int, code: str
) -> None:
    await admin.add_fault(effect, method="POST", path=INTENTS, times=1)

    refused = await stripe_http.post(INTENTS, key="k1", **PAYMENT)
    again = await stripe_http.post(INTENTS, key="k1", **PAYMENT)

    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert refused.headers.get("stripe-should-retry") == ("true" if status == 409 else None)
    assert again.status_code == 200
    assert "idempotent-replayed" not in again.headers
    assert len(await admin.charges()) == 1


@pytest.mark.parametrize(("effect", "charges"), [("error_before", 0), ("error_after", 1)])
async def test_a_failure_is_kept_for_its_key_whether_or_not_there_was_an_effect(
    stripe_http: StripeHttp, admin: SandboxAdmin, effect: str, charges: int
) -> None:
    await admin.add_fault(effect, times=1, status=503, should_retry=True)

    failed = await stripe_http.post(INTENTS, key="k1", **PAYMENT)
    again = await stripe_http.post(INTENTS, key="k1", **PAYMENT)

    assert (failed.status_code, failed.json()["error"]["type"]) == (503, "api_error")
    assert failed.headers["stripe-should-retry"] == "true"
    assert (again.status_code, again.content) == (503, failed.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["stripe-should-retry"] == "false"
    assert len(await admin.charges()) == charges
    assert len(await stripe_http.told()) == charges * 4


@pytest.mark.parametrize(
    ("effect", "charges"), [("reset_before", 0), ("reset_after", 1), ("timeout_before", 0), ("timeout_after", 1)]
)
async def test_a_connection_ends_before_or_after_the_effect(
    stripe_http: StripeHttp, admin: SandboxAdmin, effect: str, charges: int
) -> None:
    await admin.add_fault(effect, times=1, ms=20)

    with pytest.raises(ConnectionDropped):
        await stripe_http.post(INTENTS, key="k1", **PAYMENT)
    made = len(await admin.charges())
    again = await stripe_http.post(INTENTS, key="k1", **PAYMENT)

    assert made == charges
    assert again.status_code == 200
    assert ("idempotent-replayed" in again.headers) is bool(charges)
    assert len(await admin.charges()) == 1


@pytest.mark.parametrize("effect", ["latency_before", "latency_after"])
async def test_an_answer_takes_its_time(stripe_http: StripeHttp, admin: SandboxAdmin, effect: str) -> None:
    await admin.add_fault(effect, ms=150, times=1)
    began = time.monotonic()

    slow = await stripe_http.post(INTENTS, **PAYMENT)

    assert slow.status_code == 200
    assert time.monotonic() - began >= 0.15


async def test_a_rule_is_for_some_requests_only(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    intent = await stripe_http.pay(capture_method="manual")
    await admin.add_fault("rate_limit", method="POST", path="/v1/payment_intents/*/capture", after=1, times=2)

    answers = [
        (await stripe_http.get(f"{INTENTS}/{intent['id']}")).status_code,
        *[(await stripe_http.post(f"{INTENTS}/{intent['id']}/capture")).status_code for _ in range(5)],
    ]

    assert answers == [200, 200, 429, 429, 400, 400]
    (rule,) = await admin.faults()
    assert (rule["seen"], rule["fired"], rule["times"]) == (3, 2, 2)


async def test_a_probability_comes_true_as_the_seed_says(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    async def course(seed: int) -> list[int]:
        await admin.clear_faults()
        await admin.add_fault("rate_limit", probability=0.4, seed=seed)
        return [(await stripe_http.get("/v1/account")).status_code for _ in range(40)]

    first = await course(7)

    assert await course(7) == first
    assert await course(8) != first
    assert 5 < first.count(429) < 30


async def test_rules_and_their_counts_outlive_the_process(tmp_path: Path) -> None:
    async def statuses(path: Path, count: int, *, add: bool) -> list[int]:
        store = Store(path)
        sandbox = build_sandbox(store)
        async with SandboxAdmin(ADDRESS, transport=httpx.ASGITransport(sandbox.app)) as admin:
            if add:
                await admin.add_fault("rate_limit", probability=0.5, seed=1)
            answers = [(await StripeHttp(sandbox).get("/v1/account")).status_code for _ in range(count)]
        store.close()
        return answers

    whole = await statuses(tmp_path / "a.db", 20, add=True)
    parts = await statuses(tmp_path / "b.db", 8, add=True) + await statuses(tmp_path / "b.db", 12, add=False)

    assert whole == parts


async def test_rules_end_one_by_one_or_together(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    rule = await admin.add_fault("rate_limit")
    await admin.add_fault("lock_timeout")

    await admin.clear_faults(int(str(rule["id"])))
    locked = await stripe_http.get("/v1/account")
    await admin.clear_faults()
    fine = await stripe_http.get("/v1/account")
    with pytest.raises(httpx.HTTPStatusError) as unknown:
        await admin.clear_faults(99)

    assert (locked.json()["error"]["code"], fine.status_code) == ("lock_timeout", 200)
    assert unknown.value.response.status_code == 404


@pytest.mark.parametrize(
    "rule",
    [
        {"effect": "nonsense"},
        {"effect": "rate_limit", "colour": "red"},
        {"effect": "rate_limit", "probability": 2},
        {"effect": "rate_limit", "type": "charge.*"},
        {"effect": "lose", "path": "/v1"},
        {"effect": "wrong_fee"},
        {"effect": "error_before", "status": 400},
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(admin: SandboxAdmin, rule: dict[str, Any]) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await admin.add_fault(**rule)

    assert refused.value.response.status_code == 400
    assert await admin.faults() == []


@pytest.mark.parametrize(
    ("effect", "rule", "rows"),
    [
        ("hide_row", {}, []),
        ("double_row", {}, [(1000, 59), (1000, 59)]),
        ("wrong_amount", {"amount": -1}, [(999, 59)]),
        ("wrong_fee", {"amount": 7}, [(1000, 66)]),
    ],
)
async def test_balance_rows_go_wrong(
    stripe_http: StripeHttp, admin: SandboxAdmin, effect: str, rule: dict[str, int], rows: list[tuple[int, int]]
) -> None:
    await admin.add_fault(effect, type="charge", times=1, **rule)

    await stripe_http.pay()
    wrong = await stripe_http.data("/v1/balance_transactions")
    await stripe_http.refund((await stripe_http.data(INTENTS))[0])
    right = await stripe_http.data("/v1/balance_transactions", type="refund")

    assert [(row["amount"], row["fee"]) for row in wrong] == rows
    assert [(row["amount"], row["fee"]) for row in right] == [(-1000, 0)]
