"""The event log in PostgreSQL: append, load, read in order, and publish to Kafka.

The only truth of the system; everything else is rebuilt from it. Not for: what the events mean (`domain`).
"""
