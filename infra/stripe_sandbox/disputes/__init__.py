"""Disputes: a cardholder's bank takes money back, or only asks (https://docs.stripe.com/disputes)."""
