"""A stateful stand-in for Stripe's HTTP API, for the embedded stack and for tests; never for production.

It speaks Stripe's form encoding, object and error shapes and idempotency, closely enough that the official SDK
works against it by its base address alone. It holds no money and talks to no bank: what a payment method does is
decided by its name (`cards.py`), as with Stripe's own test payment methods.

The way of a request: `app.py` routes it to an `Operation`; `api.py` authenticates, decodes (`forms.py`), guards the
idempotency key (`idempotency.py`), applies latency, validates (`params.py`) and runs the operation in one SQLite
transaction that also holds the idempotency record (`store.py`). `admin.py` is the control panel for tests.
"""
