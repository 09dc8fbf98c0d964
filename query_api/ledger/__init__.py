"""The ledger over HTTP: balances, the trial balance, entries. It is of the whole Stripe account, of no one merchant."""
