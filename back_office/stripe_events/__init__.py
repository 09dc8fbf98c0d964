"""What Stripe told: the inbox of its events."""
