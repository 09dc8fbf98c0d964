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

from infra.stripe_sandbox.differential.play import lines
from infra.stripe_sandbox.differential.scripts import SCRIPTS
from tests.integration.stripe_sandbox.running import SandboxProcess, running_sandbox, stripe_sdk

pytestmark = pytest.mark.integration

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
