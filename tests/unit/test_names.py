"""The name of a test is read in a report, on one line with its file and its parameters: it has to stay short."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
LONGEST = 70


def test_no_test_has_a_name_longer_than_seventy_characters() -> None:
    too_long = [
        f"{path.relative_to(TESTS)}:{node.lineno}: {node.name}"
        for path in sorted(TESTS.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and len(node.name) > LONGEST
    ]
    assert too_long == []
