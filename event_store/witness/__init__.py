"""A witness of ours, for another host than the log's: it signs each checkpoint that goes on from the one before.

It has no database and knows nothing of events; it keeps how far it has seen each log. See docs/proofs.md.
"""
