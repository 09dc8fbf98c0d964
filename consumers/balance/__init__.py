"""Stripe's money facts: a poller that reads balance transactions and payouts, and appends each as an event, once.

Balance transactions have no webhook, so that they are polled. Payouts have some, but reading them is needed all the
same, as a webhook can be lost, and cheap, as there are few: so they are polled too. Not for: what the ledger makes of
it.
"""
