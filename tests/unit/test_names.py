"""The name of a test is read in a report, on one line with its file and its parameters: it has to stay short."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
LONGEST = 70


def test_no_test_has_a_name_longer_than_seventy_characters() -> None:
    too_long = [
        f"{path.relative_to(TESTS)}: {name}"
        for path in sorted(TESTS.rglob("*.py"))
        for name in re.findall(r"\bdef (test_\w+)", path.read_text("utf-8"))
        if len(name) > LONGEST
    ]
    assert too_long == []
