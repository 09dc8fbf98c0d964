"""The roots of the errors of this layer. `Transient` and `Permanent` say whether to try again."""

from typing import ClassVar


class InfraError(Exception):
    """Root of the errors of this layer."""


class Missing(InfraError):
    """What was named is not there: over HTTP a 404."""


class WrongOption(InfraError):
    """What was asked for makes no sense, whatever there is: on the command line exit code 2."""


class Transient(InfraError):
    """A later retry can help."""


class Permanent(InfraError):
    """A retry does not help: a record that causes it becomes a dead letter."""


class ProcessFailed(InfraError):
    """A process cannot go on, for a reason its operator can act on: shown without a traceback."""


class WrongSetting(ProcessFailed):
    """A setting is missing or wrong, as only its use shows: a file that is not there, no key in it. Exit code 2."""


class Unavailable(Transient):
    """A dependency is away for now: over HTTP a 503 problem with `code` and `Retry-After: retry_after_s`."""

    code: ClassVar[str] = "unavailable"
    title: ClassVar[str] = "Temporarily unavailable"
    retry_after_s: ClassVar[int] = 1
