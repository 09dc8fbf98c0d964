"""The transactional outbox: publishes the log to Kafka, in order, each event once.

With transactions, a batch and the progress reached commit together; without, delivery is at least once and every
message says which event precedes it in its partition, so that consumers drop repeats and notice what is missing.
"""
