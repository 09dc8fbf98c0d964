"""One box that finds what somebody has an id of."""
