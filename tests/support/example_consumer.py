"""The example consumer of docs/consuming-events.md: no part of a package, so found by its path."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

PATH = Path(__file__).parents[2] / "docs" / "examples" / "consume_payments.py"


def load_example() -> ModuleType:
    """Return the example as a module; nothing runs."""
    spec = spec_from_file_location("consume_payments", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
