"""The errors of the locks."""

from infra.errors import InfraError, Unavailable


class NotAcquired(Unavailable):
    """The lock could not be acquired in time: another holds it, or too few servers answered (`servers_away`)."""

    code = "locked"
    title = "Somebody else is at work on it"

    def __init__(self, name: str, *, servers_away: bool) -> None:
        reason = "too few lock servers answered" if servers_away else "another holder has it"
        super().__init__(f"The lock {name} was not acquired: {reason}.")
        self.name = name
        self.servers_away = servers_away


class LeaseLost(InfraError):
    """The lease is over, or cannot be believed any more: another may hold the lock."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The lease of the lock {name} is lost.")
        self.name = name
