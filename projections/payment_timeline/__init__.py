"""The `payment_timeline` projection: what happened to each payment, when and by whom."""
