"""The payment that a path names."""

from command_api.errors import PaymentNotFound, problem_of
from domain.ids import PaymentId
from schemas.http.strict import parse_id


def parse_payment_id(text: str) -> PaymentId:
    """Return the payment id of a path. Raises Problem (404) for what is not an id."""
    payment_id = parse_id(text)
    if payment_id is None:
        raise problem_of(PaymentNotFound())
    return PaymentId(payment_id)
