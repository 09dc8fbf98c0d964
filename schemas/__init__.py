"""The wire: event types and versions, envelopes, Kafka messages, topics and HTTP bodies.

Not for: decisions (`domain`) or transport (`event_store`, `consumers`).
"""
