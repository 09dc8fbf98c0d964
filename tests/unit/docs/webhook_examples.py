"""The verifiers of docs/examples, as a merchant would take them."""

import importlib.util
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[3] / "docs" / "examples"
PYTHON, JAVASCRIPT = FOLDER / "verify_webhook.py", FOLDER / "verify_webhook.mjs"


def load_python_example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_webhook", PYTHON)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
