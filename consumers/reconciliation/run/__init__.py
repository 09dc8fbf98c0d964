"""One run of a reconciliation: compares the statement with the ledger, looks up what does not match, records it."""
