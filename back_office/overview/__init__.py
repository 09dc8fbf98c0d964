"""What days came to: money, payments, and why payments were declined."""
