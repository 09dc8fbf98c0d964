"""What an auditor asks of a system that runs, beside everybody else: nothing is changed by it."""

import json
from pathlib import Path

import pytest

from tests.support.paystream_command import Ended, paystream
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.broker]


async def audit(system: System, folder: Path, *arguments: str) -> Ended:
    settings = system.stack.connection_settings("audit")
    return await paystream("audit", *arguments, cwd=folder, settings=settings, within=100)


async def a_refunded_payment(system: System) -> str:
    created = await system.create(wait=10)
    payment_id = str(created.json()["id"])
    refunded = await system.refund(payment_id, 400, wait=10)
    await system.finished(payment_id, min_position=refunded.json()["position"])
    return payment_id


async def test_a_payment_is_shown_as_it_is_and_as_it_was(system: System, tmp_path: Path) -> None:
    payment_id = await a_refunded_payment(system)
    shown = await audit(system, tmp_path, "show", payment_id, "--format", "json")
    history = json.loads(shown.output)
    assert (shown.code, history["payment"]["amount_refunded_cents"]) == (0, 400)
    steps = history["steps"]
    assert [step["type"] for step in steps][:3] == ["payment.requested", "payment.intent_created", "payment.succeeded"]
    assert steps[1]["caused_by"] == steps[0]["position"]
    for step in steps:
        was = await system.query.get(f"/payments/{payment_id}", params={"version": step["version"]})
        assert was.json()["status"] == step["status"]
    then = await audit(system, tmp_path, "show", payment_id, "--format", "json", "--as-of", str(steps[2]["position"]))
    assert json.loads(then.output)["steps"] == steps[:3]
    table = await audit(system, tmp_path, "show", payment_id)
    assert (table.code, "4.00 USD refunded" in table.output) == (0, True)
    page = await audit(system, tmp_path, "show", payment_id, "--format", "html", "--output", "payment.html")
    assert (page.code, payment_id in (tmp_path / "payment.html").read_text("utf-8")) == (0, True)


async def test_the_log_is_replayed_into_a_file(system: System, tmp_path: Path) -> None:
    payment_id = await a_refunded_payment(system)
    replayed = await audit(system, tmp_path, "replay", "--category", "payment", "--into", "payments.jsonl")
    assert replayed.code == 0, replayed.errors
    events = [json.loads(line) for line in (tmp_path / "payments.jsonl").read_text("utf-8").splitlines()]
    positions = [event["position"] for event in events]
    assert positions == sorted(set(positions))
    assert {event["category"] for event in events} == {"payment"}
    assert [event["version"] for event in events if event["stream_id"] == payment_id] == [1, 2, 3, 4, 5]
    again = await audit(system, tmp_path, "replay", "--into", "payments.jsonl")
    assert (again.code, "is there already" in again.errors) == (1, True)


async def test_no_invariant_is_violated_and_nothing_differs_from_a_replay(system: System, tmp_path: Path) -> None:
    await a_refunded_payment(system)
    invariants = await audit(system, tmp_path, "invariants")
    assert invariants.code == 0, invariants.output
    diff = await audit(system, tmp_path, "diff")
    assert (diff.code, "Nothing differs" in diff.output) == (0, True), diff.output


async def test_the_log_is_sealed_and_what_is_in_it_can_be_proved(system: System, tmp_path: Path) -> None:
    payment_id = await a_refunded_payment(system)

    async def proved() -> Ended:
        return await audit(system, tmp_path, "prove", payment_id, "--output", "proofs")

    await eventually(proved, lambda ended: ended.code == 0, within=60, every=1)
    key = system.stack.connection_settings("audit")["PROOFS_PUBLIC_KEYS_FILE"]
    for proof in sorted((tmp_path / "proofs").glob("*.tlog-proof")):
        checked = await paystream("audit", "check", str(proof), "--key", key, cwd=tmp_path, settings={})
        assert (checked.code, proof.stem in checked.output) == (0, True), checked
    verified = await audit(system, tmp_path, "verify", "--full")
    assert (verified.code, "Nothing differs" in verified.output) == (0, True), verified


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "nonsense"], "is not the id of a payment"),
        (["show", "01a225d0-6f99-719b-bca0-8579eee2e622"], "there is no payment"),
        (["show", "01a225d0-6f99-719b-bca0-8579eee2e622", "--as-of", "soon"], "neither a position nor a moment"),
        (["replay", "--into", "x.xml"], "must end in one of"),
        (["replay", "--topic", "paystream.payment"], "is a live topic"),
        (["replay", "--topic", "every event"], "is no name of a topic"),
        (["replay", "--category", "refund"], "There is no category refund. There are: access,"),
        (["replay", "--type", "payment.succeded"], "payment.succeded. Similar: payment.succeeded"),
        (["replay", "--from", "5", "--to", "3"], "the end, 3, is before the beginning, 5"),
        (["replay", "--from", "2026-05-02", "--to", "2026-05-01"], "is before the beginning"),
        (["diff", "--projection", "x"], "there is no projection"),
    ],
)
async def test_what_cannot_be_shown_is_said_in_words(
    system: System, tmp_path: Path, arguments: list[str], said: str
) -> None:
    refused = await audit(system, tmp_path, *arguments)
    code = 1 if said in {"there is no payment", "is a live topic"} else 2  # else the option itself makes no sense
    assert (refused.code, said in refused.errors) == (code, True), refused.errors


async def test_that_a_merchant_has_no_events_is_said(system: System, tmp_path: Path) -> None:
    replayed = await audit(system, tmp_path, "replay", "--merchant", "nobody")
    assert (replayed.code, replayed.output) == (0, "")
    assert "No event of the merchant nobody was found: check how it is written." in replayed.errors
