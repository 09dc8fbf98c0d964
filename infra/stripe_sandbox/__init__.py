"""A stateful stand-in for Stripe's HTTP API, for the embedded stack and for tests; never for production.

It speaks Stripe's form encoding, object and error shapes and idempotency, closely enough that the official SDK
works against it by its base address alone. It holds no money and talks to no bank: what a payment method does is
decided by its name (`cards.py`), as with Stripe's own test payment methods.

The way of a request: `http_app.py` finds its `Operation`; `api.py` authenticates, decodes (`forms.py`), guards the
idempotency key (`idempotency.py`), applies latency and faults (`faults/`), validates (`validation.py`) and runs the
operation in one SQLite transaction. That holds the objects, the balance's rows (`balance/`), what is told of them
(`events/`), what is to be sent (`webhooks/`) and the idempotency record (`store.py`). What moves by itself does so when
the sandbox's clock says (`transitions.py`, `clock.py`). `admin/` is the control panel for tests, and `differential/`
compares the sandbox with any other Stripe endpoint.
"""
