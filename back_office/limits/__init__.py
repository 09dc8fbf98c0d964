"""Which limits are in force."""
