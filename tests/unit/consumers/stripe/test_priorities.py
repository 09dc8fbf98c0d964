"""Whose calls go first when calls are scarce: money that waits, then payments, then lists that are polled."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
import stripe

from consumers.reconciliation.statement.api import ApiStatement
from consumers.stripe.client import GuardedStripe, StripeResource
from consumers.stripe.lists.lists import StripeList, StripeLists
from consumers.stripe.requests import StripeRequest
from consumers.tasks.models import TaskOperation
from domain.ids import StripeIntentId
from infra.stripe.guard.priority import Priority


@dataclass
class Guard:
    """Lets all pass, and keeps the priorities."""

    priorities: list[Priority] = field(default_factory=list)

    def call(
        self,
        endpoint: str | None = None,  # noqa: ARG002 - as the protocol has it
        *,
        writes: bool = False,  # noqa: ARG002
        priority: Priority = Priority.NORMAL,
    ) -> AbstractAsyncContextManager[None]:
        self.priorities.append(priority)
        return nullcontext()


@dataclass
class Client:
    """Answers everything with an empty list, and keeps what was asked for."""

    requests: list[Mapping[str, Any]] = field(default_factory=list)

    async def raw_request_async(self, method: str, path: str, **params: Any) -> SimpleNamespace:  # noqa: ARG002
        self.requests.append(params)
        return SimpleNamespace(data={"data": [], "has_more": False})

    def as_stripe(self) -> stripe.StripeClient:
        return cast("stripe.StripeClient", self)


@pytest.mark.parametrize(
    ("operation", "priority"),
    [
        (TaskOperation.CREATE_REFUND, Priority.URGENT),
        (TaskOperation.CAPTURE_INTENT, Priority.URGENT),
        (TaskOperation.CREATE_INTENT, Priority.NORMAL),
        (TaskOperation.CANCEL_INTENT, Priority.NORMAL),
    ],
)
async def test_refunds_and_captures_go_before_other_changes(operation: TaskOperation, priority: Priority) -> None:
    guard = Guard()
    request = StripeRequest(operation=operation, idempotency_key="key", intent_id=StripeIntentId("pi_1"), params={})
    await GuardedStripe(Client().as_stripe(), guard, timeout_s=1).send(request)
    assert guard.priorities == [priority]


async def test_what_a_payment_waits_for_is_no_read_in_the_background() -> None:
    guard = Guard()
    await GuardedStripe(Client().as_stripe(), guard, timeout_s=1).retrieve(StripeResource.INTENTS, "pi_1")
    assert guard.priorities == [Priority.NORMAL]


async def test_lists_that_are_polled_and_statements_are_read_in_the_background() -> None:
    guard = Guard()
    lists = StripeLists(Client().as_stripe(), guard, timeout_s=1)
    for list_ in StripeList:
        await lists.page(list_, created_from=0, after=None, limit=100)
    _ = [page async for page in ApiStatement(Client().as_stripe(), guard, timeout_s=1).rows(0, 1)]
    assert guard.priorities == [Priority.BACKGROUND] * (len(StripeList) + 1)


async def test_undelivered_events_are_listed_by_type_and_by_delivery() -> None:
    client = Client()
    lists = StripeLists(client.as_stripe(), Guard(), timeout_s=1, event_types=["charge.updated"])
    for list_ in (StripeList.UNDELIVERED_EVENTS, StripeList.EVENTS):
        await lists.page(list_, created_from=7, after="evt_1", limit=100)
    undelivered, all_ = client.requests
    assert undelivered == {**all_, "delivery_success": "false"}
    assert all_["types"] == ["charge.updated"]
