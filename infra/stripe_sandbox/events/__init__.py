"""Events: what happened to an account's objects, told in lists and by webhooks (https://docs.stripe.com/api/events)."""
