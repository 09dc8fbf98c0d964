"""The OpenAPI document among the published ones; `paystream schemas export` finds it by entry point."""

from collections.abc import Mapping
from typing import Any

from command_api.app import openapi_document


def documents() -> Mapping[str, dict[str, Any]]:
    """Return the document by its path in the folder of exported files."""
    return {"openapi/command-api.json": openapi_document()}
