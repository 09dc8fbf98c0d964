"""All dashboards, and the files that Grafana reads them from."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from infra.deploy.grafana.errors import ERRORS
from infra.deploy.grafana.panels import Board
from infra.deploy.grafana.payments import PAYMENTS
from infra.deploy.grafana.stripe import STRIPE
from infra.deploy.grafana.system import SYSTEM

BOARDS = (PAYMENTS, STRIPE, SYSTEM, ERRORS)
FOLDER = Path(__file__).with_name("dashboards")


def file_of(board: Board) -> Path:
    """Return where a dashboard's JSON is."""
    return FOLDER / f"{board.uid}.json"


def as_json(board: Board) -> str:
    """Return a dashboard as Grafana reads it."""
    return f"{JSONEncoder(sort_keys=True, indent=2).encode(board.build())}\n"


def write_all() -> None:
    """Write all dashboards anew, and remove those that are no longer there."""
    FOLDER.mkdir(exist_ok=True)
    written = {file_of(board): as_json(board) for board in BOARDS}
    for path in FOLDER.glob("*.json"):
        if path not in written:
            path.unlink()
    for path, text in written.items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    write_all()
