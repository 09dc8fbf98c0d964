"""What Stripe has and the sandbox does not. It is refused by name, never ignored or called a mistake.

Parameters that are not modelled are declared where an operation says what it accepts (`params.unmodelled`);
`OTHERS` is the rest. docs/stripe-sandbox.md lists them all, and a test compares the list with the code.
"""

from collections.abc import Mapping

from infra.stripe_sandbox.errors import StripeError, invalid_parameter

OTHERS: Mapping[str, str] = {
    "the operator OR in a search": "in a search, `OR`",
    "negation in a search": "in a search, `-field:value`",
    "null in a search": "in a search, `metadata['key']:null`",
    "substrings in a search": "in a search, `field~'part'`",
    "confirming another amount than the intent's": "`amount_to_confirm` that is not the intent's `amount`",
    "the API version": "a `Stripe-Version` before its own",
    "the header Stripe-Context": "the header `Stripe-Context`",
}
"""What is refused beside parameters, by what the refusal calls it, and how it is written."""


def not_modelled(what: str, *, param: str | None = None) -> StripeError:
    """Return the refusal of something that Stripe would do. The text is not from Stripe."""
    return invalid_parameter(
        f"The sandbox does not model {what}, which Stripe has. docs/stripe-sandbox.md lists what it does not model.",
        param=param,
    )
