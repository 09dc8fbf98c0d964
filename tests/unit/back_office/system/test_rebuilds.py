"""Each projection says how its build is, what can be done next, what that does, and with which command."""

from typing import Any

import pytest

from back_office.system.rebuilds import projections
from schemas.http.system import BuildView, SystemView
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import example

REBUILD, SWAP = "paystream projections rebuild payments", "paystream projections swap payments"
DROP, DROP_OLD = "paystream projections drop payments --unfinished", "paystream projections drop payments"


def at(consumer: str, partition: int, position: int) -> dict[str, Any]:
    return {"consumer": consumer, "topic": "t", "partition": partition, "position": position}


def a_build(phase: str, **changes: Any) -> dict[str, Any]:
    return {**example(BuildView), "phase": phase, **changes}


@pytest.mark.parametrize(
    ("builds", "words", "commands"),
    [
        ([], "No build", [REBUILD]),
        ([a_build("building")], "Is built beside the live tables", [REBUILD, DROP]),
        ([a_build("catching_up")], "Catches up with the live tables", [REBUILD, DROP]),
        ([a_build("compared", differences=0)], "Compared: nothing differs", [SWAP, REBUILD, DROP]),
        (
            [a_build("compared", differences=1200)],
            "1,200 rows differ from the live ones",
            [f'{SWAP} --force --reason "..."', REBUILD, DROP],
        ),
        ([a_build("swapped")], "Live since the swap", [REBUILD, DROP_OLD]),
        ([a_build("abandoned")], "Abandoned", [REBUILD]),
        ([a_build("building"), a_build("swapped")], "Is built beside the live tables", [REBUILD, DROP, DROP_OLD]),
        ([a_build("dropped"), a_build("building")], "No build", [REBUILD]),
    ],
)
def test_a_projection_offers_what_fits_its_build(builds: list[Any], words: str, commands: list[str]) -> None:
    (found,) = projections([at("projection:payments", 0, 7)], builds)
    assert found.words == words
    assert [step.command for step in found.steps] == commands
    assert all(step.consequence for step in found.steps)


def test_consumers_are_no_projections_and_partitions_one() -> None:
    places = [at("stripe-gateway", 0, 9), at("projection:payments", 0, 5), at("projection:payments", 1, 8)]
    (found,) = projections(places, [])
    assert (found.name, found.position) == ("payments", 8)


def test_a_build_of_a_new_projection_is_shown_before_it_has_taken_anything() -> None:
    (found,) = projections([], [a_build("building", projection="totals")])
    assert (found.name, found.position) == ("totals", 0)


async def test_the_page_has_each_command_to_copy(finance: BackOffice) -> None:
    page = await finance.page("/rebuilds")
    assert "Catches up with the live tables" in page.text
    assert "up to position 100 of 120" in page.text
    assert REBUILD in page.text
    finance.command_api.answers["GET /system"] = {**example(SystemView), "checkpoints": [], "builds": []}
    assert "No projection has taken an event yet" in (await finance.page("/rebuilds")).text
