"""What a sandbox has answered is there after it was stopped or killed."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import stripe

from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PAYMENT: "PaymentIntentCreateParams" = {
    "amount": 1000,
    "currency": "usd",
    "confirm": True,
    "payment_method": "pm_card_visa",
    "allowed_payment_method_types": ["card"],
}


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
async def test_a_restart_forgets_nothing(tmp_path: Path, how: signal.Signals, code: int) -> None:
    async with running_sandbox(tmp_path / "sandbox.db") as sandbox:
        async with stripe_sdk(sandbox.url) as sdk:
            paid = await sdk.v1.payment_intents.create_async(
                {**PAYMENT, "metadata": {"order": "7"}}, {"idempotency_key": "event-1"}
            )
            refund = await sdk.v1.refunds.create_async({"payment_intent": paid.id, "amount": 400})
        assert await sandbox.end(how) == code

        await sandbox.start()
        async with stripe_sdk(sandbox.url) as sdk, SandboxAdmin(sandbox.url) as admin:
            again = await sdk.v1.payment_intents.create_async(
                {**PAYMENT, "metadata": {"order": "7"}}, {"idempotency_key": "event-1"}
            )
            found = await sdk.v1.payment_intents.search_async({"query": "metadata['order']:'7'"})
            listed = await sdk.v1.refunds.list_async({"payment_intent": paid.id})
            with pytest.raises(stripe.InvalidRequestError, match=r"unrefunded amount on charge \(\$6\.00\)"):
                await sdk.v1.refunds.create_async({"payment_intent": paid.id, "amount": 700})
            charges = await admin.charges()

    assert again.id == paid.id
    assert [intent.id for intent in found.data] == [paid.id]
    assert [entry.id for entry in listed.data] == [refund.id]
    assert len(charges) == 1


async def test_killed_under_load_every_key_ends_with_one_charge(tmp_path: Path) -> None:
    keys = [f"event-{number}" for number in range(200)]

    async with running_sandbox(tmp_path / "sandbox.db") as sandbox:
        answered = await _pay_until_killed(sandbox, keys)
        await sandbox.start()
        async with stripe_sdk(sandbox.url) as sdk, SandboxAdmin(sandbox.url) as admin:
            settled = {key: await _pay(sdk, key) for key in keys}
            charges = await admin.charges()

    assert 0 < len(answered) < len(keys)
    assert answered.items() <= settled.items()
    assert sorted(str(charge["id"]) for charge in charges) == sorted(settled.values())


async def _pay_until_killed(sandbox: SandboxProcess, keys: list[str]) -> dict[str, str]:
    """Return what was answered, by key, to eight clients whose sandbox is killed in between."""
    answered: dict[str, str] = {}
    waiting = iter(keys)

    async def client() -> None:
        async with stripe_sdk(sandbox.url) as sdk:
            for key in waiting:
                answered[key] = await _pay(sdk, key)
                if len(answered) == len(keys) // 4:
                    await sandbox.end(signal.SIGKILL)

    outcomes = await asyncio.gather(*(client() for _ in range(8)), return_exceptions=True)
    unexpected = [o for o in outcomes if o is not None and not isinstance(o, stripe.APIConnectionError)]
    assert unexpected == []
    return answered


async def _pay(sdk: stripe.StripeClient, key: str) -> str:
    intent = await sdk.v1.payment_intents.create_async(PAYMENT, {"idempotency_key": key})
    return str(intent.latest_charge)


async def test_production_is_refused_in_one_line(tmp_path: Path) -> None:
    sandbox = SandboxProcess(tmp_path / "sandbox.db", APP_ENV="production")

    with pytest.raises(AssertionError, match="moves no money and is refused in production"):
        await sandbox.start()


async def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path / "first.db") as first:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "infra.cli",
            "sandbox",
            env={**os.environ, "APP_ENV": "test", "STRIPE_SANDBOX_PORT": first.url.rpartition(":")[2]},
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            printed, _ = await process.communicate()

    (failed,) = [line for line in map(json.loads, printed.splitlines()) if line["event"] == "process_failed"]
    assert process.returncode == 1
    assert "is in use: set STRIPE_SANDBOX_PORT" in failed["error"]
