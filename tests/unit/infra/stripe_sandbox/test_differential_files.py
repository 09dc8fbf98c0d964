"""Scripts that are read from files."""

import json
from pathlib import Path

import pytest

from infra.stripe_sandbox import differential
from infra.stripe_sandbox.differential.files import ScriptFileError, read_scripts
from infra.stripe_sandbox.differential.mask import Masks
from infra.stripe_sandbox.differential.steps import Step

CREATE = {"name": "made", "call": "customers.create", "params": {"email": "a@shop.test"}, "key": "k"}
READ = {
    "call": "customers.retrieve",
    "path": ["$made.id"],
    "params": {"expand": ["sources"]},
    "until": {"name": "A"},
    "only": ["id"],
}
STEPS = (
    Step(name="made", call="customers.create", params={"email": "a@shop.test"}, key="k"),
    Step(
        name="step_2",
        call="customers.retrieve",
        path=("$made.id",),
        params={"expand": ["sources"]},
        until=("name", "A"),
        only=("id",),
    ),
)


def test_json_lines_are_one_script_with_the_name_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "customers.jsonl"
    file.write_text(f"{json.dumps(CREATE)}\n\n{json.dumps(READ)}\n")
    assert read_scripts(file) == {"customers": STEPS}


def test_a_json_document_is_one_script_or_several_with_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps([CREATE, READ], indent=2))
    assert read_scripts(file) == {"mine": STEPS}
    file.write_text(json.dumps({"one": [CREATE, READ], "other": [CREATE]}))
    assert read_scripts(file) == {"one": STEPS, "other": STEPS[:1]}


def test_the_example_is_a_script() -> None:
    example = Path(differential.__file__).with_name("example.jsonl")
    assert [step.name for step in read_scripts(example)["example"]][:2] == ["customer", "intent"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("no json", "not JSON"),
        ("7", "should be a valid list"),
        (json.dumps([CREATE | {"colour": "red"}]), "0.colour: Extra inputs are not permitted"),
        (json.dumps([{"name": "made"}]), "0.call: Field required"),
        (json.dumps([CREATE, CREATE]), "two steps are named made"),
        (json.dumps([CREATE | {"call": "customers.explode"}]), "made: the SDK has no call customers.explode"),
        (json.dumps([READ, CREATE]), "step_1: no step before it answers $made.id"),
        (json.dumps([CREATE | {"until": {}}]), "until names one member and its value"),
    ],
)
def test_what_is_no_script_is_refused_with_the_place(tmp_path: Path, content: str, reason: str) -> None:
    file = tmp_path / "mine.json"
    file.write_text(content)
    with pytest.raises(ScriptFileError) as refused:
        read_scripts(file)
    assert str(refused.value).startswith(str(file))
    assert reason in str(refused.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ScriptFileError, match="No such file"):
        read_scripts(tmp_path / "none.json")


def test_customers_are_masked_like_other_objects() -> None:
    customer = {
        "id": "cus_3Vabcdefgh",
        "invoice_prefix": "CDEFGH",
        "default_for": "cus_3Vabcdefgh",
        "status": "in_transit",
    }
    assert Masks("run").masked(customer) == {
        "id": "<cus_1>",
        "invoice_prefix": "<customer>",
        "default_for": "<cus_1>",
        "status": "in_transit",
    }
