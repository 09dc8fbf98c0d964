"""The payment: ``decide`` turns commands and observations into events, ``evolve`` turns events into state."""
