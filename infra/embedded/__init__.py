"""PostgreSQL, Valkey, a Kafka broker and every Paystream process on this machine, without Docker and without root.

For development, the demo and the tests; not for production. Start with `infra.embedded.stack.Stack`.
Every server listens on 127.0.0.1 only, and nothing that is started here outlives the process that started it.
"""
