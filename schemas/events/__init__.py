"""The event types of the log and the Kafka topics, and their reading and writing."""

from schemas.events.registry import EVENT_TYPES, EventType, decode, encode

__all__ = ["EVENT_TYPES", "EventType", "decode", "encode"]
