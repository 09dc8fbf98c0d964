"""Processor time of this process and of a database's connections: what work costs, whatever else the machine does."""

import time
from pathlib import Path

import psycopg

_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class ProcessorTime:
    """Measures on the machine of the database's server. `conn` is a connection of its own, which is not counted."""

    def __init__(self, conn: psycopg.AsyncConnection) -> None:
        self._conn = conn

    async def used_s(self) -> float:
        """Return what was used so far, in seconds."""
        rows = await (await self._conn.execute(_BACKENDS)).fetchall()
        return time.process_time() + sum(_on_processor_s(pid) for (pid,) in rows)


def _on_processor_s(pid: int) -> float:
    """Return the first number of https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[0]) / 1e9
    except FileNotFoundError:  # it ended meanwhile
        return 0.0
