"""What an expression of PromQL asks for, and what the processes have: metrics with their labels.

python -m tests.support.promql      prints every series that is there before anything happened
"""

import importlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import promql_parser
import stripe  # noqa: F401 - brings urllib3, which opens a socket when it is first imported: not within a test
from prometheus_client import REGISTRY

from consumers.saga import metrics as saga_metrics
from consumers.saga.registry import SAGAS
from consumers.webhooks_out import metrics as webhooks_out_metrics

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


def rising(expression: str) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Yield each counter of which an expression asks whether it rose once, with the labels that it must have.

    Prometheus sees no rise in a series that it sees for the first time.
    """
    found: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(expression), found.append)
    for call in found:
        if isinstance(call, promql_parser.Call) and call.func.name == "increase":
            for each in call.args:
                assert isinstance(each, promql_parser.MatrixSelector)
                matchers = each.vector_selector.matchers.matchers
                equal = ((one.name, one.value) for one in matchers if one.op == promql_parser.MatchOp.Equal)
                yield str(each.vector_selector.name), tuple(sorted(equal))


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


def at_the_start() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the series that the processes show before anything happened."""
    known()
    saga_metrics.begin(each.kind for each in SAGAS)
    webhooks_out_metrics.begin()
    return [(sample.name, sorted(sample.labels.items())) for metric in REGISTRY.collect() for sample in metric.samples]


if __name__ == "__main__":
    json.dump(at_the_start(), sys.stdout)
