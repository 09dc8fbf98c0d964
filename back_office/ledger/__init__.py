"""The double-entry ledger: from the trial balance of any day down to the events."""
