"""Settings of the worker of sagas."""

from infra.settings.kafka import KafkaSettings
from infra.settings.privacy import VaultSettings


class SagaSettings(VaultSettings, KafkaSettings):
    """What the worker needs."""
