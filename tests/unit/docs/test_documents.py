"""The documents lead where they say: links, files, functions and decisions are there."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")) if ".venv" not in path.parts)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
_LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")
_TITLE = re.compile(r"# (\d+)\. (.+)")
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def anchors(text: str) -> set[str]:
    """Return the names that headings get: https://docs.github.com/get-started/writing-on-github."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for path, anchor in _LINK.findall(document.read_text("utf-8")):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), path
        assert not anchor or anchor in anchors(target.read_text("utf-8")), anchor


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_every_decision_has_one_style_and_is_in_the_index(decision: Path) -> None:
    text = decision.read_text("utf-8")
    title = _TITLE.fullmatch(text.splitlines()[0])
    assert title is not None
    assert decision.name.startswith(f"{int(title[1]):04}-")
    assert "**Decision.**" in text
    index = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")
    assert f"| {title[1]} | [{title[2]}]({decision.name}) |" in index


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
STOPS = re.findall(r"`([\w/]+\.py)` `([\w.]+)`", ARCHITECTURE)


def defined(path: Path) -> set[str]:
    """Return the functions and classes of a module, and the methods of its classes."""
    found = set()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, _FUNCTION)}
    return found


@pytest.mark.parametrize(("path", "name"), STOPS)
def test_every_stop_of_the_architecture_is_there(path: str, name: str) -> None:
    assert name in defined(ROOT / path)


def test_every_path_in_the_architecture_is_there() -> None:
    paths = set(re.findall(r"`([a-z_]+(?:/[\w.]+)+/?|[a-z_]+/)`", ARCHITECTURE))
    assert len(STOPS) > 40
    assert [path for path in sorted(paths) if not (ROOT / path).exists() and not (ROOT / "docs" / path).exists()] == [
        "acceptance/",
        "chaos/",
        "integration/",
        "load/",
        "race/",
        "unit/",
    ]


GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")


def test_a_term_of_the_glossary_is_there_once() -> None:
    terms = re.findall(r"^\| (.+?) \|", GLOSSARY, re.MULTILINE)
    named = [term for term in terms if term not in {"term", "not"} and set(term) != {"-"}]
    assert len(named) > 150
    assert [term for term in named if named.count(term) > 1] == []


def test_what_the_glossary_names_in_code_is_there() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py", "*.sql"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / path for path in listed.stdout.split() if not path.startswith("tests/")]
    known = {name for path in paths if path.is_file() for name in re.findall(r"\w+", path.read_text("utf-8"))}
    named = re.findall(r"`([A-Za-z_]\w{3,})`", GLOSSARY.partition("| term |")[2])
    assert [name for name in named if not {name, name.lower()} & known] == []


FAILURES = (ROOT / "docs" / "failures.md").read_text("utf-8")
ROWS = [row for row in FAILURES.splitlines() if row.startswith("| ") and not row.startswith("| down ")]
_DEPENDENCIES = ("Redis", "Kafka", "Stripe", "PostgreSQL", "any process", "the read model")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_promise_for_a_failure_has_a_test(row: str) -> None:
    proof = row.rstrip("| ").rpartition("|")[2]
    (path,) = re.findall(r"`(tests/[\w/]+\.py)`", proof)
    names = re.findall(r"`(test_\w+)`", proof)
    assert names
    assert set(names) <= defined(ROOT / path)


def test_every_dependency_has_its_promise() -> None:
    assert {each for each in _DEPENDENCIES if not any(row.startswith(f"| {each}") for row in ROWS)} == set()
