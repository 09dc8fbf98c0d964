"""The daily reconciliation with Stripe: asks for the runs that are due, runs them, and records what differs.

Nothing here moves money, and nothing that would is ever automatic. What is missing here since a webhook was lost is
read at Stripe once more, by the gateway.
"""
