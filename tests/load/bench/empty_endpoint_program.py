"""The limit of an HTTP row: a FastAPI endpoint that checks the same body, or answers the same, and does nothing else.

python -m tests.load.bench.empty_endpoint_program PORT
"""

import sys

import uvicorn
from fastapi import FastAPI

from schemas.http.payments import CreatePaymentBody

app = FastAPI()

_PAYMENT = {
    "id": "01a22160-631f-7742-804e-a4b866d936e2",
    "status": "succeeded",
    "amount_cents": 1000,
    "currency": "USD",
    "refunds": [],
}


@app.post("/payments", status_code=201)
async def create(_: CreatePaymentBody) -> dict[str, object]:
    """Answer at once."""
    return _PAYMENT


@app.get("/payments")
async def page() -> dict[str, object]:
    """Answer with a page of 20."""
    return {"data": [_PAYMENT] * 20}


@app.get("/payments/{payment_id}")
async def read(payment_id: str) -> dict[str, object]:
    """Answer with one payment."""
    return {**_PAYMENT, "id": payment_id}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
