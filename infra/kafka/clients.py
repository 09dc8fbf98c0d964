"""Options of aiokafka's clients: each default that loses events or time is overridden here, in one place."""

from typing import Any

from infra.kafka.aiokafka_patches import apply_patches
from infra.kafka.security import security_options
from infra.settings.kafka import KafkaSettings

apply_patches()


def connection_config(settings: KafkaSettings, *, client_id: str = "paystream") -> dict[str, Any]:
    """Return what every client needs: where the cluster is, how to log in, and how long an answer may take.

    Raises ProcessFailed when a file for TLS cannot be used.
    """
    return {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "client_id": client_id,
        "request_timeout_ms": settings.kafka_request_timeout_ms,
        **security_options(settings),
    }


def producer_config(
    settings: KafkaSettings, *, client_id: str = "paystream", transactional_id: str | None = None
) -> dict[str, Any]:
    """Return the options of AIOKafkaProducer, without the transactional id when KAFKA_TRANSACTIONS is false.

    Without transactions the producer is not idempotent either: a broker that lacks the one lacks the other.
    """
    transactional = settings.kafka_transactions and transactional_id is not None
    options = connection_config(settings, client_id=client_id) | {
        "acks": "all",
        "enable_idempotence": settings.kafka_transactions,
        "max_batch_size": 256 * 1024,
    }
    if transactional:
        options["transactional_id"] = transactional_id
        # A transaction whose producer died hides all that follows from readers of committed data for so long.
        options["transaction_timeout_ms"] = max(15_000, settings.kafka_request_timeout_ms)
    return options


def fetch_config(settings: KafkaSettings) -> dict[str, Any]:
    """Return how a consumer reads: also the options of a FastStream subscriber."""
    return {
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed" if settings.kafka_transactions else "read_uncommitted",
        "fetch_max_wait_ms": settings.kafka_fetch_max_wait_ms,
        "check_crcs": settings.kafka_check_crcs,
        "session_timeout_ms": settings.kafka_session_timeout_ms,
        "heartbeat_interval_ms": settings.kafka_session_timeout_ms // 3,
        # By default the session time-out: a handler that takes longer than that would be thrown out in a
        # rebalance.
        "rebalance_timeout_ms": 30_000,
    }


def consumer_config(
    settings: KafkaSettings, *, client_id: str = "paystream", group_id: str | None = None
) -> dict[str, Any]:
    """Return the options of AIOKafkaConsumer; offsets are committed by the caller alone."""
    return (
        connection_config(settings, client_id=client_id)
        | fetch_config(settings)
        | {"group_id": group_id, "enable_auto_commit": False}
    )


def admin_config(settings: KafkaSettings, *, client_id: str = "paystream") -> dict[str, Any]:
    """Return the options of AIOKafkaAdminClient."""
    return connection_config(settings, client_id=client_id)
