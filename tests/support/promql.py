"""What an expression of PromQL asks for, and what the processes have: metrics with their labels."""

import importlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import promql_parser
import stripe  # noqa: F401 - brings urllib3, which opens a socket when it is first imported: not within a test
from prometheus_client import REGISTRY

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("back_office", "command_api", "consumers", "event_store", "infra", "projections", "query_api")
_DECLARES = re.compile(r"^\w+ = (?:Counter|Gauge|Histogram)\(", re.MULTILINE)
_SCRAPED = {"job", "instance", "le"}
_OF_PROMETHEUS = {"up": frozenset(_SCRAPED)}


def selected(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric of an expression with the labels that it is asked by. Raises ValueError: it is no PromQL."""
    expr = promql_parser.parse(expression.replace("$__rate_interval", "5m"))
    found: list[promql_parser.Expr] = []
    promql_parser.walk(expr, found.append)
    for each in found:
        if isinstance(each, promql_parser.VectorSelector):
            assert each.name is not None
            yield each.name, {matcher.name for matcher in each.matchers.matchers}


def grouped_by(expression: str) -> set[str]:
    """Return every label that an expression groups by."""
    return {label for found in re.findall(r"\bby\s*\(([^)]*)\)", expression) for label in re.findall(r"\w+", found)}


@cache
def known() -> Mapping[str, frozenset[str]]:
    """Return the labels of every metric that a process has, by its name, with those that Prometheus adds."""
    for path in sorted(each for package in _PACKAGES for each in (_ROOT / package).rglob("*.py")):
        if _DECLARES.search(path.read_text("utf-8")):
            importlib.import_module(".".join(path.relative_to(_ROOT).with_suffix("").parts))
    own = {
        name: frozenset(getattr(collector, "_labelnames", ())) | _SCRAPED
        for name, collector in REGISTRY._names_to_collectors.items()
    }
    return {**own, **_OF_PROMETHEUS}


def faults(expression: str, recorded: frozenset[str] = frozenset()) -> list[str]:
    """Return what an expression asks for and no process has. `recorded`: names that recording rules make."""
    labels, found_faults = known(), []
    for name, matched in selected(expression):
        if name in recorded:
            continue
        if name not in labels:
            found_faults.append(f"no metric {name}")
            continue
        missing = matched - labels[name]
        found_faults.extend(f"{name} has no label {label}" for label in sorted(missing))
    having = set().union(*(labels.get(name, frozenset()) for name, _ in selected(expression)))
    if not recorded.intersection(name for name, _ in selected(expression)):
        found_faults.extend(f"nothing has the label {label}" for label in sorted(grouped_by(expression) - having))
    return found_faults
