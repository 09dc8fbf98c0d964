"""What the steps of a rebuild share."""

from dataclasses import dataclass

from infra.postgres.pool import Connection
from projections.rebuild.builds import Build
from projections.rebuild.filling import Filler
from projections.rebuild.targets import Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A build, who fills it, and the connection on which it happens."""

    conn: Connection
    build: Build
    source: Source
    filler: Filler
