"""What Stripe's webhooks say, and what has to be looked at again because of it."""
