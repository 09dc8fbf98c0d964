"""Interprets the events that Stripe sent: which payments have to be read at Stripe again because of them."""
