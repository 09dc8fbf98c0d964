"""Client secrets: what a customer's browser confirms a payment with, read from Stripe on demand and kept nowhere."""
