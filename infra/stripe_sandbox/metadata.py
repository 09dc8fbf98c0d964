"""Metadata: up to 50 texts that a client hangs on an object, and their limits (https://docs.stripe.com/api/metadata)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.stripe_sandbox.errors import invalid_parameter
from infra.stripe_sandbox.forms import FormValue

MAX_KEYS = 50
MAX_KEY = 40
MAX_VALUE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class MetadataChange:
    """What a request does to an object's metadata: an empty value removes its key, `metadata=` removes all."""

    clear: bool = False
    values: Mapping[str, str] = field(default_factory=dict)

    def apply(self, current: Mapping[str, str]) -> dict[str, str]:
        """Return the metadata after the change. Raises StripeError (400) when there are too many keys."""
        merged = {**({} if self.clear else current), **self.values}
        kept = {key: value for key, value in merged.items() if value}
        if len(kept) > MAX_KEYS:
            raise invalid_parameter(f"Metadata can have up to {MAX_KEYS} keys.", param="metadata")
        return kept


def parse_metadata(value: FormValue) -> MetadataChange:
    """Return the change that a `metadata` parameter asks for. Raises StripeError (400) beyond Stripe's limits."""
    if value == "":
        return MetadataChange(clear=True)
    if isinstance(value, list):
        value = {str(index): entry for index, entry in enumerate(value)}
    if not isinstance(value, dict):
        raise invalid_parameter("Invalid object", param="metadata")
    return MetadataChange(values={key: _checked(key, entry) for key, entry in value.items()})


def _checked(key: str, value: FormValue) -> str:
    if not isinstance(value, str):
        raise invalid_parameter("Invalid string", param=f"metadata[{key}]")
    if len(key) > MAX_KEY:
        raise invalid_parameter(
            f"Metadata keys can have up to {MAX_KEY} characters, but you passed in a key that is {len(key)} "
            f"characters. Invalid key: {key}",
            param="metadata",
        )
    if len(value) > MAX_VALUE:
        raise invalid_parameter(
            f"Metadata values can have up to {MAX_VALUE} characters, but you passed in a value that is {len(value)} "
            f"characters. Invalid value: {value}",
            param=f"metadata[{key}]",
        )
    return value
