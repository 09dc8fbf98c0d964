"""Pure decisions about payments: standard library only, no I/O, no clock, no randomness."""
