"""The scripts give the same results each time, and those that were looked at and kept.

After a wanted change: run the command of `infra/stripe_sandbox/differential` against a sandbox, look at the difference
and keep it in `golden/differential.jsonl`.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from infra.stripe_sandbox import differential
from infra.stripe_sandbox.differential.play import lines
from infra.stripe_sandbox.differential.scripts import SCRIPTS
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk

pytestmark = [pytest.mark.integration, pytest.mark.slow]

GOLDEN = Path(__file__).with_name("golden") / "differential.jsonl"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quick_sandbox() -> AsyncIterator[SandboxProcess]:
    async with running_sandbox(None, STRIPE_SANDBOX_SETTLE_MS="50") as sandbox:
        yield sandbox


async def played(sandbox: SandboxProcess, name: str) -> list[str]:
    async with stripe_sdk(sandbox.url) as sdk:
        return [line async for line in lines(sdk, name, SCRIPTS[name])]


@pytest.mark.parametrize("name", sorted(SCRIPTS))
async def test_a_script_gives_what_it_gave(quick_sandbox: SandboxProcess, name: str) -> None:
    kept = [line for line in GOLDEN.read_text().splitlines() if json.loads(line)["script"] == name]

    first = await played(quick_sandbox, name)
    second = await played(quick_sandbox, name)

    assert first == second
    assert [json.loads(line) for line in first] == [json.loads(line) for line in kept]


async def test_the_command_prints_the_lines_of_a_script(quick_sandbox: SandboxProcess) -> None:
    printed, code = await command("--api-base", quick_sandbox.url, "--key", "sk_test_x", "--script", "payment")

    assert code == 0
    assert printed.splitlines() == await played(quick_sandbox, "payment")


async def test_the_command_plays_a_script_from_a_file(quick_sandbox: SandboxProcess) -> None:
    example = Path(differential.__file__).with_name("example.jsonl")
    at = ("--api-base", quick_sandbox.url, "--key", "sk_test_x")
    printed, code = await command(*at, "--file", str(example))
    again, _ = await command(*at, "--file", str(example))
    answered = {step["step"]: step for step in map(json.loads, printed.splitlines())}

    assert (code, printed) == (0, again)
    assert answered["intent"]["object"]["customer"] == answered["customer"]["object"]["id"] == "<cus_1>"
    assert answered["intent"]["object"]["latest_charge"]["statement_descriptor_suffix"] == "BOOKS"
    assert answered["again"]["error"]["code"] == "payment_intent_unexpected_state"
    assert answered["arrived"]["object"]["status"] == "succeeded"
    assert answered["rows"]["object"]["data"] == [{"type": "refund", "amount": -400, "fee": 0}]


async def test_a_step_whose_reference_was_refused_is_not_called(quick_sandbox: SandboxProcess, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    steps = [
        {"name": "refused", "call": "customers.create", "params": {"email": "nobody"}},
        {"name": "read", "call": "customers.retrieve", "path": ["$refused.id"]},
    ]
    file.write_text("\n".join(map(json.dumps, steps)))
    printed, code = await command("--api-base", quick_sandbox.url, "--key", "sk_test_x", "--file", str(file))
    refused, read = map(json.loads, printed.splitlines())

    assert code == 0
    assert refused["error"]["code"] == "email_invalid"
    assert read["not_called"] == "nothing was answered as $refused.id"


async def test_a_file_that_is_no_script_is_refused(tmp_path: Path) -> None:
    printed, code = await command("--key", "sk_test_x", "--file", str(tmp_path / "none.jsonl"))

    assert (printed, code) == ("", 2)


async def test_a_key_that_moves_money_is_refused(quick_sandbox: SandboxProcess) -> None:
    printed, code = await command("--api-base", quick_sandbox.url, "--key", "sk_live_x")

    assert (printed, code) == ("", 2)


async def command(*arguments: str) -> tuple[str, int | None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "infra.stripe_sandbox.differential",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate()
    return printed.decode(), process.returncode
