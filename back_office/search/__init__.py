"""One box that finds what somebody has an id or an amount of."""
