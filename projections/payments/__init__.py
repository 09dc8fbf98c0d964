"""The `payments` projection: what each payment is now, with its refunds."""
