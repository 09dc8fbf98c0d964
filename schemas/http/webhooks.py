"""Body of the command API's answer to a webhook of Stripe."""

from pydantic import BaseModel, ConfigDict, Field


class WebhookAnswer(BaseModel):
    """The event is recorded."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"received": True, "duplicate": False}]})

    received: bool = Field(description="Always true.")
    duplicate: bool = Field(description="Whether it was recorded before.")
