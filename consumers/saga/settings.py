"""Settings of the worker of sagas."""

from infra.settings.kafka import KafkaSettings
from infra.settings.postgres import DatabaseSettings


class SagaSettings(DatabaseSettings, KafkaSettings):
    """What the worker needs."""
