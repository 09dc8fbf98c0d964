"""Settings of the commands that are no process of their own."""

from pathlib import Path

from pydantic import Field, SecretStr

from infra.settings import Port, ProcessSettings


class UpSettings(ProcessSettings):
    """Settings of `paystream up`."""

    command_api_port: Port = Field(default=8000, gt=0)
    query_api_port: Port = Field(default=8001, gt=0)
    stripe_sandbox_port: Port = Field(default=8002, gt=0)
    paystream_home: Path = Path(".paystream")
    """The folder with the data, logs and passwords of the embedded stack."""


class MigrationSettings(ProcessSettings):
    """Settings of `paystream migrate`."""

    migration_database_url: SecretStr
    """The database, through the role that owns it; the processes' roles cannot change tables."""
