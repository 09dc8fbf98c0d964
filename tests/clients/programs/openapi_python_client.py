"""Pays and refunds with the clients that openapi-python-client generates; prints the payment's id."""

import os
import time
import uuid

from generated.command import AuthenticatedClient as CommandClient
from generated.command.api.payments import create_payment, refund_payment
from generated.command.models import CreatePaymentBody, PaymentAnswer, ProblemBody, ProblemCode, RefundPaymentBody
from generated.query import AuthenticatedClient as QueryClient
from generated.query.api.payments import get_payment, list_payment_events, list_payments
from generated.query.models import (
    PaymentPage,
    PaymentRequestedEntry,
    PaymentStatus,
    PaymentView,
    RefundStatus,
    TimelinePage,
)

commands = CommandClient(base_url=os.environ["COMMAND_URL"], token=os.environ["API_KEY"])
queries = QueryClient(base_url=os.environ["QUERY_URL"], token=os.environ["API_KEY"])

key = f"order-{uuid.uuid4()}"
body = CreatePaymentBody(user_id="user_1", amount_cents=1000, currency="USD", payment_method="pm_card_visa")
created = create_payment.sync(client=commands, body=body, idempotency_key=key)
again = create_payment.sync(client=commands, body=body, idempotency_key=key)
assert isinstance(created, PaymentAnswer), created
assert isinstance(again, PaymentAnswer)
assert created.id == again.id
assert created.stripe_payment_intent_id is None

deadline = time.monotonic() + 30


def payment(position: int) -> PaymentView:
    found = get_payment.sync(created.id, client=queries, min_position=position)
    assert isinstance(found, PaymentView), found
    return found


while (seen := payment(created.position)).status is not PaymentStatus.PAYMENT_STATUS_SUCCEEDED:
    assert time.monotonic() < deadline, seen
    time.sleep(0.05)
refund = refund_payment.sync(created.id, client=commands, body=RefundPaymentBody(amount_cents=400))
assert not isinstance(refund, ProblemBody), refund
assert refund is not None
assert refund.amount_cents == 400
while (refunds := payment(refund.position).refunds)[0].status is not RefundStatus.REFUND_STATUS_SUCCEEDED:
    assert time.monotonic() < deadline, refunds
    time.sleep(0.05)

refused = refund_payment.sync(created.id, client=commands, body=RefundPaymentBody(amount_cents=9999))
assert isinstance(refused, ProblemBody)
assert refused.code is ProblemCode.PROBLEM_CODE_REFUND_AMOUNT_EXCEEDS_REFUNDABLE
assert refused.amount_refundable_cents == 600
events = list_payment_events.sync(created.id, client=queries)
assert isinstance(events, TimelinePage)
first = events.data[0]
assert isinstance(first, PaymentRequestedEntry)
assert first.data.amount_cents == 1000
page = list_payments.sync(client=queries, idempotency_key=key, status=PaymentStatus.PAYMENT_STATUS_SUCCEEDED)
assert isinstance(page, PaymentPage)
assert [each.id for each in page.data] == [created.id]
print(created.id)
