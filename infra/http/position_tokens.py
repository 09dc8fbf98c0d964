"""A position of the log together with the cell whose log it is of: `eu-1:42`.

A position alone says nothing of its log, so one of another cell would be waited for in vain, or would seem to be
reached. The header has one name in answers and in requests: what was given is given back as it is.
"""

from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from infra.settings.cell import CELL_NAME

POSITION_TOKEN: Final = "Paystream-Position-Token"  # noqa: S105 - the name of a header
_LARGEST: Final = 2**63 - 1  # PostgreSQL's bigint


def position_token(cell: str, position: int) -> str:
    """Return the token of a position in a cell's log."""
    return f"{cell}:{position}"


def parse_position_token(token: str) -> tuple[str, int]:
    """Return the cell and the position of a valid `PositionToken`."""
    cell, _, position = token.partition(":")
    return cell, int(position)


def _storable(token: str) -> str:
    if parse_position_token(token)[1] > _LARGEST:
        raise PydanticCustomError("position", "must have a position of at most {most}", {"most": _LARGEST})
    return token


PositionToken = Annotated[
    str, StringConstraints(pattern=f"^{CELL_NAME}:(?:0|[1-9][0-9]{{0,18}})$"), AfterValidator(_storable)
]
"""What a request may carry."""
