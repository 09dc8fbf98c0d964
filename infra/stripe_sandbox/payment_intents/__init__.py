"""Payment intents: what a payment requires, and its progress.

https://docs.stripe.com/payments/paymentintents/lifecycle. Each step is a pure function from a state to the next
(`attempt.py`, `capture.py`, `cancel.py`), and an operation that stores what it says.
"""
