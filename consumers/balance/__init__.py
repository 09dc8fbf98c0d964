"""The balance poller: reads balance transactions and payouts at Stripe, and appends each as an event, once.

Balance transactions have no webhook, so they are polled. Payouts have webhooks, but a webhook can be lost, and polling
payouts is cheap, as there are few. Not for: what the ledger posts because of them.
"""
