"""What docs/stripe-sandbox.md says is there, and what is there is in it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from infra.stripe_sandbox.admin.routes import panel_routes
from infra.stripe_sandbox.app import OPERATIONS, Sandbox, build_sandbox
from infra.stripe_sandbox.card_names import CARDS
from infra.stripe_sandbox.commits import Commits
from infra.stripe_sandbox.customers.lookup import WELL_KNOWN
from infra.stripe_sandbox.differential.files import read_scripts
from infra.stripe_sandbox.faults.rules import Effect
from infra.stripe_sandbox.not_modelled import OTHERS
from infra.stripe_sandbox.panel import Panel
from infra.stripe_sandbox.params import Param, ParameterKind
from infra.stripe_sandbox.store import Store
from infra.stripe_sandbox.version import API_VERSION

ROOT = Path(__file__).parents[3]
SANDBOX = ROOT / "infra" / "stripe_sandbox"
TEXT = (ROOT / "docs" / "stripe-sandbox.md").read_text()


@pytest.fixture
def sandbox() -> Sandbox:
    return build_sandbox(Store())


def test_every_page_of_the_control_panel_is_described_and_no_other(sandbox: Sandbox) -> None:
    panel = Panel(world=sandbox.world, commits=Commits(store=sandbox.world.store))
    pages = {
        re.sub(r":int}", "}", route.path) for route in panel_routes(panel, sandbox.latency) if isinstance(route, Route)
    }
    described = set(re.findall(r"(/_sandbox/[a-z_/]+(?:\{id\}(?:/[a-z_]+)?)?)", TEXT))
    assert described == {re.sub(r"\{\w+\}", "{id}", page) for page in pages}


def test_every_effect_of_a_fault_is_described() -> None:
    assert {effect for effect in Effect if f"`{effect}`" not in TEXT} == set()


def test_the_names_in_it_are_real() -> None:
    named = set(re.findall(r"pm_card_\w+", TEXT))
    assert named <= CARDS.keys()
    assert f"`{WELL_KNOWN.id}`" in TEXT
    assert f"`{API_VERSION}`" in TEXT


def test_the_script_in_it_is_one(tmp_path: Path) -> None:
    (script,) = re.findall(r"```jsonl\n(.*?)```", TEXT, re.DOTALL)
    file = tmp_path / "example.jsonl"
    file.write_text(script)
    assert [step.name for step in read_scripts(file)["example"]] == ["customer", "intent", "refund", "step_4"]


def test_what_is_not_modelled_is_listed_as_the_code_has_it() -> None:
    _, _, listed = TEXT.partition("### What it does not model\n")

    expected = [f"- {how}" for how in OTHERS.values()]
    for operation in OPERATIONS:
        names = list(not_modelled_of(operation.accepts.values()))
        if names:
            expected.append(f"- `{operation.method} {operation.path}`: {', '.join(names)}")

    assert [line for line in listed.splitlines() if line.startswith("- ")] == expected


def test_nothing_is_listed_that_is_not_refused_so() -> None:
    sources = "".join(file.read_text() for file in SANDBOX.rglob("*.py") if file.name != "not_modelled.py")

    refused = set(re.findall(r'not_modelled\(\s*f?"([^"{]+)', sources))

    assert {each.strip() for each in refused} == {*OTHERS, "the parameter"}


def not_modelled_of(params: Iterable[Param], prefix: str = "") -> Iterator[str]:
    """Yield the parameters by name; of the kinds of payment methods, all but two, once."""
    for param in params:
        name = f"{prefix}[{param.name}]" if prefix else param.name
        inside = [each for each in param.shape if each.kind is ParameterKind.UNMODELLED]
        if param.kind is ParameterKind.UNMODELLED:
            yield f"`{name}`"
        elif param.name == "payment_method_options" and inside:
            modelled = [each for each in param.shape if each not in inside]
            yield f"`{name}` of all but `{'`, `'.join(each.name for each in modelled)}`"
            yield from not_modelled_of(modelled, name)
        else:
            yield from not_modelled_of(param.shape, name)
