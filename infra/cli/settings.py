"""Settings of the commands that are no process of their own."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from infra.settings.process import Port, ProcessSettings


class HomeSettings(ProcessSettings):
    """Settings of the commands that run servers on this machine."""

    paystream_home: Path = Path(".paystream")
    """The folder with the data, logs and passwords of the embedded stack."""


class UpSettings(HomeSettings):
    """Settings of `paystream up`."""

    command_api_port: Port = Field(default=8000, gt=0)
    query_api_port: Port = Field(default=8001, gt=0)
    stripe_sandbox_port: Port = Field(default=8002, gt=0)
    back_office_port: Port = Field(default=8003, gt=0)
    prometheus_port: Port = Field(default=9090, gt=0)
    """Where Prometheus answers, with `--prometheus`."""

    demo_pace: Annotated[int, Field(ge=1, le=600)] = 30
    """With `--demo`: how many things happen in a minute."""

    @field_validator("query_api_port", "stripe_sandbox_port", "back_office_port", "prometheus_port")
    @classmethod
    def _differs(cls, value: int, info: ValidationInfo) -> int:
        for other in ("command_api_port", "query_api_port", "stripe_sandbox_port", "back_office_port"):
            if other != info.field_name and info.data.get(other) == value:
                raise ValueError(f"must differ from {other.upper()}, both are {value}")
        return value
