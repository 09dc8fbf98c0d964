"""The Stripe gateway: turns requests in the log into calls of Stripe, and Stripe's answers into events.

`intake` writes a task for each event that wants a call; `pool` claims tasks and runs them: `plan` says what
to do, `calls` calls, `outcomes` classifies the answer, `interpret` turns it into facts, `settle` appends
the events and ends the task in one transaction. No database connection is held while Stripe is called.
"""
