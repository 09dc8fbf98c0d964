"""Where a run reads Stripe's rows: the API, or a report that Stripe made."""
