"""The Stripe gateway: turns requests in the log into calls of Stripe, and Stripe's answers into events.

`intake` writes a task for each event that needs a call. `pool` claims tasks and runs them: `plan` decides what to do,
`outcomes` classifies the answer, `results` says what follows from it, and `completion` appends the events and ends the
task in one transaction. No database connection is held while Stripe is called.
"""
