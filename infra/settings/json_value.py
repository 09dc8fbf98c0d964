"""A setting whose value is JSON, and may hold secrets: what is wrong with it is said without repeating any of it."""

import json


def parsed_json(value: object) -> object:
    """Return what a text holds; other values stay as they are. Raises ValueError."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        # "from None": the cause holds the whole document.
        raise ValueError(f"is not JSON: {error.msg} at character {error.pos}") from None
