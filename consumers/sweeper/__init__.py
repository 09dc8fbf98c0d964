"""The sweeper: finds payments that have waited for too long, and events of Stripe that no webhook brought.

Webhooks are faster, but they can be lost; a call whose outcome is unknown has none at all. It changes nothing at
Stripe: it writes refresh tasks, which the Stripe gateway runs, and records events, which are then interpreted as those
of webhooks are. Payments that their customers have left it gives up: it asks for their cancellation, as a client does.
"""
