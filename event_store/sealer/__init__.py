"""The worker that seals the log: every few seconds it adds the new events to a tree, and signs its root.

Never on the way of an append. What it writes is in `event_store.proofs`; see docs/proofs.md.
"""
