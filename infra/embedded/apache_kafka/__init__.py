"""Apache Kafka itself on this machine, without Docker: fetched by Maven, run by Java, on 127.0.0.1 only.

For development and tests; see `infra.embedded.apache_kafka.cluster.KafkaCluster`. It has what the embedded broker has
not: transactions, and a memory that survives it.
"""
