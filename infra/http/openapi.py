"""What both APIs change in the OpenAPI document that FastAPI makes."""

from typing import Any


def leave_out_validation_errors(document: dict[str, Any]) -> None:
    """Take out FastAPI's own 422 of reads and its body, which are never sent: errors are problems of ours."""
    for operations in document["paths"].values():
        if "get" in operations:
            operations["get"]["responses"].pop("422", None)
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)
