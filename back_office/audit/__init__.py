"""What auditors look at: who did what, what was erased, how far the log is sealed, and proofs of its events."""
