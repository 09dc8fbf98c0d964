"""Kafka: the options of our clients, declared topics, and the batch runtime of our consumers."""
