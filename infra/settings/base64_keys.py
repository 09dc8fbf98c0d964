"""Keys of encryption in settings: 32 random bytes in base64."""

import base64
import binascii

KEY_BYTES = 32


def read_key(text: str) -> bytes:
    """Return the bytes of a key. Raises ValueError, which repeats nothing of the text: it is a secret."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("has a key that is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"has a key that is not of {KEY_BYTES} bytes (openssl rand -base64 {KEY_BYTES})")
    return key


def read_keys(text: str) -> list[bytes]:
    """Return keys with commas between. Raises ValueError as `read_key`."""
    return [read_key(each.strip()) for each in text.split(",")]
