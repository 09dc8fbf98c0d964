"""Pays and refunds with the clients that openapi-generator generates for Python; prints the payment's id."""

import os
import time
import uuid

import generated_command as command
import generated_query as query

commands = command.PaymentsApi(
    command.ApiClient(command.Configuration(host=os.environ["COMMAND_URL"], access_token=os.environ["API_KEY"]))
)
queries = query.PaymentsApi(
    query.ApiClient(query.Configuration(host=os.environ["QUERY_URL"], access_token=os.environ["API_KEY"]))
)

key = f"order-{uuid.uuid4()}"
body = command.CreatePaymentBody(user_id="user_1", amount_cents=1000, currency="USD", payment_method="pm_card_visa")
created = commands.create_payment(body, idempotency_key=key)
assert commands.create_payment(body, idempotency_key=key).id == created.id

deadline = time.monotonic() + 30
while (
    seen := queries.get_payment(created.id, min_position=created.position)
).status != query.PaymentStatus.PAYMENT_STATUS_SUCCEEDED:
    assert time.monotonic() < deadline, seen
    time.sleep(0.05)
refund = commands.refund_payment(created.id, refund_payment_body=command.RefundPaymentBody(amount_cents=400))
assert refund.amount_cents == 400
while True:
    (shown,) = queries.get_payment(created.id, min_position=refund.position).refunds
    if shown.status == query.RefundStatus.REFUND_STATUS_SUCCEEDED:
        break
    assert time.monotonic() < deadline, shown
    time.sleep(0.05)

try:
    commands.refund_payment(created.id, refund_payment_body=command.RefundPaymentBody(amount_cents=9999))
except command.ApiException as refused:
    problem = command.ProblemBody.from_json(refused.body)
    assert problem is not None
    code = problem.code.actual_instance
    assert code == command.ProblemCode.PROBLEM_CODE_REFUND_AMOUNT_EXCEEDS_REFUNDABLE, code
    assert problem.amount_refundable_cents == 600
else:
    raise AssertionError("more than was paid was refunded")
first = queries.list_payment_events(created.id).data[0].actual_instance
assert isinstance(first, query.PaymentRequestedEntry), first
assert first.data.amount_cents == 1000
page = queries.list_payments(idempotency_key=key, status=query.PaymentStatus.PAYMENT_STATUS_SUCCEEDED)
assert [each.id for each in page.data] == [created.id]
print(created.id)
