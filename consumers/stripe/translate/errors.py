"""What can be wrong with an object of Stripe."""

from infra.errors import Permanent


class UnexpectedObject(Permanent):
    """The object is not as its documentation says: nothing may be concluded from it."""
