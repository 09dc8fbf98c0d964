"""Kafka: the cluster, how we come in, its transactions and its topics."""
