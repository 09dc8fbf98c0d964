"""Changes how long a running consumer lets the broker hold an empty fetch; aiokafka takes it once, when it starts."""

from aiokafka import AIOKafkaConsumer


def set_fetch_max_wait(consumer: AIOKafkaConsumer, milliseconds: int) -> None:
    """Use another `fetch_max_wait_ms` from the next fetch on. Before the consumer has started, nothing happens."""
    if consumer._fetcher is not None:  # noqa: SLF001 - see above
        consumer._fetcher._fetch_max_wait_ms = milliseconds  # noqa: SLF001
