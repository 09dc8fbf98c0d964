"""The sweeper: finds payments that have waited for too long, and has them read at Stripe again.

Webhooks are faster, but they can be lost; a call whose outcome is unknown has none at all. The sweeper itself calls
nobody: it writes refresh tasks, which the Stripe gateway runs.
"""
