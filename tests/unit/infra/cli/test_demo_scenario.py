"""The demo must notice when a system is wrong: every step fails against one that answers something else."""

import json
from typing import Any

import httpx
import pytest

from infra.cli.demo_scenario import Scenario


def play(answer: Any) -> list[str]:
    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport, base_url="http://test") as client:
        return [result.wrong for result in Scenario(command_api=client, query_api=client).play()]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.cli.demo_scenario._DECIDED_WITHIN_S", 0)


def test_an_error_of_the_server_is_wrong_in_every_step() -> None:
    assert all(play(lambda _: httpx.Response(500, json={})))


def test_an_empty_answer_is_wrong_in_every_step() -> None:
    assert all(play(lambda _: httpx.Response(200, json={})))


def test_no_connection_is_wrong_in_every_step() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    assert all("refused" in wrong for wrong in play(refuse))


def test_a_payment_that_is_never_captured_is_wrong() -> None:
    def pending(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content or b"{}")
        payment = {"id": "p1", "status": "pending", "last_error": None, "idempotency_key": "demo-first"}
        return httpx.Response(201 if request.method == "POST" else 200, json=payment | body)

    first, *_ = play(pending)
    assert first.startswith("after 0 s the payment is still")
