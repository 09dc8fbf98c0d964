"""Why a page is not recorded."""


class UnexpectedRow(Exception):
    """An object of Stripe's is not shaped as its documentation says; nothing can be recorded of it."""


class Conflicted(Exception):
    """Somebody else recorded another state of an object in this moment: the list has to be read again."""
