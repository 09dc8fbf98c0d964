"""Which of several cells a process belongs to."""

from typing import Annotated

from pydantic import StringConstraints

from infra.settings.process import ProcessSettings

CELL_NAME = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
"""Without dots: a dot ends the cell's name in those of its topics, so that no cell's begin as another's do."""


class CellSettings(ProcessSettings):
    """The cell, where merchants are divided over several systems (docs/scaling.md)."""

    cell: Annotated[str, StringConstraints(pattern=f"^{CELL_NAME}$")] | None = None
    """The name of this cell: that of its topics, groups and transactional ids, and of its positions. None: there are no
    cells, or each has its own Kafka. The same for every process of a cell, and another one for each."""
