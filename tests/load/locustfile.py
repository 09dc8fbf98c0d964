"""Customers for Locust (https://docs.locust.io): each creates a payment and looks at it, again and again.

`make test-load` runs it against a system of its own and checks the outcome. By hand, against a running `make run`:

    .venv-load/bin/locust -f tests/load/locustfile.py --host http://127.0.0.1:8000

PAYSTREAM_QUERY_URL names the query API (http://127.0.0.1:8001), PAYSTREAM_API_KEY the key (that of `make run`).
"""

import os
import uuid

from locust import FastHttpUser, constant_throughput, task

QUERY_URL = os.environ.get("PAYSTREAM_QUERY_URL", "http://127.0.0.1:8001")
API_KEY = os.environ.get("PAYSTREAM_API_KEY", "sk_dev_paystream")


class Customer(FastHttpUser):
    """Pays once in five eighths of a second: a hundred of them are 160 payments a second."""

    wait_time = constant_throughput(1.6)
    default_headers = {"Authorization": f"Bearer {API_KEY}"}  # noqa: RUF012 - as Locust has it
    last_payment = ""

    @task(20)
    def pay(self) -> None:
        """Create a payment, which has to be accepted."""
        body = {"user_id": "load", "amount_cents": 1000, "currency": "USD", "payment_method": "pm_card_visa"}
        answer = self.client.post("/payments", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        if answer.status_code == 201:
            self.last_payment = answer.json()["id"]

    @task(1)
    def look(self) -> None:
        """Look at the payment that was created last; the query API may not show it yet."""
        url = f"{QUERY_URL}/payments/{self.last_payment}"
        with self.client.get(url, name="/payments/{id}", catch_response=True) as answer:
            if answer.status_code in {200, 404}:
                answer.success()
