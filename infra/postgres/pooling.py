"""What stands between us and PostgreSQL: nothing, or a pooler in transaction mode, like PgBouncer.

Such a pooler lends a connection of the server for one transaction at a time. What belongs to a session is then lost, or
is another client's: the options of the start-up, settings, prepared statements (but PgBouncer from 1.21 on keeps those
apart, with max_prepared_statements), advisory locks of a session, LISTEN, temporary tables.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Pooling:
    """How to speak to what an address leads to."""

    is_transaction: bool = False
    """A pooler in transaction mode: settings come from the login role, since no session keeps any."""
    prepares: bool = True
    """Whether a statement that was prepared is there the next time."""

    def prepare_threshold(self, use: int = 1) -> int | None:
        """Return at which use a statement is prepared: at `use`, or never (None)."""
        return use if self.prepares else None


DIRECT: Final = Pooling()
