"""The root of everything that the domain refuses."""

from typing import ClassVar


class DomainError(Exception):
    """A rule said no.

    ``code`` is stable and machine-readable: it travels to clients as the ``code`` of a problem document.
    ``str()`` is a sentence for a person. Ids and amounts are attributes, so that callers need not parse the
    sentence.
    """

    code: ClassVar[str] = "domain_error"
