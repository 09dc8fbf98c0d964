"""What follows from events: Kafka consumers with effects outside. One package each."""
