"""The read side over HTTP: payments, their lists and timelines, from the read model alone.

Not for: changing anything. Its database role cannot write, and it never sees the event store.
"""
