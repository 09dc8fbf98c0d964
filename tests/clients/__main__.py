"""Fetches what is needed, and prints what cannot be checked on this machine, one line each; nothing when all can.

    python -m tests.clients

Fails when what was fetched is not what is pinned: that is no property of the machine.
"""

import asyncio
import sys

from tests.clients.toolbox import NEEDS, fetch, missing


async def main() -> None:
    """Look at each check in turn."""
    for checked in NEEDS:
        if lacking := missing(checked):
            sys.stdout.write(f"{checked}: there is no {', no '.join(lacking)}\n")
        elif reason := await fetch(checked):
            sys.stdout.write(f"{checked}: {reason}\n")


asyncio.run(main())
