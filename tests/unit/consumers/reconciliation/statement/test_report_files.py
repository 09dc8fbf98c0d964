"""Report files as people have them are read rightly, or refused with place, value and remedy; nothing is half read."""

import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.reconciliation.statement.report import NotAReport, Report, ReportKind
from tests.unit.consumers.reconciliation.statement.report_cases import CASES, GOOD, HEADER, PAID, Case
from tests.unit.consumers.reconciliation.statement.test_report import rows_of

# In ASCII: what pytest escapes, it escapes once more when the same process collects the tests again (make mutate).
ids = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.encode("ascii", "xmlcharrefreplace").decode())


def written(folder: Path, case: Case) -> Path:
    file = folder / case.file
    file.write_bytes(case.content)
    return file


@ids
def test_a_file_is_read_rightly_or_refused_with_the_place(case: Case, tmp_path: Path) -> None:
    file = written(tmp_path, case)
    if case.message is not None:
        with pytest.raises(NotAReport) as refused:
            Report.read(file, time_zone="UTC")
        assert str(refused.value) == case.message
        return
    report = Report.read(file, time_zone="UTC")
    found = [each.row for each in report.records()]
    assert {row.transaction_id: (row.amount, row.fee) for row in found} == case.amounts
    assert len(found) == len(case.amounts or {})
    assert found[0].created == datetime.fromisoformat(case.moment).timestamp()


def test_the_documentation_shows_this_table() -> None:
    page = Path("docs/report-files.md").read_text("utf-8")
    table = "\n".join(["| the file | is | and that is said |", "|---|---|---|", *(case.line for case in CASES)])
    assert table in page


@pytest.mark.parametrize("cut", range(1, len(PAID), 7))
def test_a_file_that_is_cut_anywhere_but_at_a_line_is_refused(cut: int, tmp_path: Path) -> None:
    file = tmp_path / "cut.csv"
    file.write_text(PAID[:cut].rstrip("\n") if PAID[cut - 1] == "\n" else PAID[:cut], "utf-8")
    with pytest.raises(NotAReport):
        Report.read(file, time_zone="UTC")


def test_a_payout_that_is_pasted_twice_is_paid_once(tmp_path: Path) -> None:
    file = tmp_path / "payouts.csv"
    file.write_text(PAID + PAID, "utf-8")
    report = Report.read(file, time_zone="UTC")
    assert report.kind is ReportKind.PAYOUTS
    assert report.paid == {"po_1": ("USD", 2, 119_446)}
    assert (report.rows_in_all, report.repeated) == (2, 2)


def test_a_name_that_is_no_text_is_written_as_text(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"report\xff.csv")
    file.write_text(GOOD, "utf-8")
    assert Report.read(file, time_zone="UTC").name.startswith("report\\udcff.csv ")


@contextmanager
def nobody_special() -> Iterator[None]:
    """Be a user who may not read everything, as root may."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(was)


@pytest.mark.parametrize("what", ["nothing", "a folder", "a file of somebody else"])
def test_what_cannot_be_opened_is_refused_in_words(what: str, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    if what == "a folder":
        file.mkdir()
    elif what != "nothing":
        file.write_text(GOOD, "utf-8")
        file.chmod(0)
    reading = nobody_special() if what == "a file of somebody else" else nullcontext()
    with (
        reading,
        pytest.raises(NotAReport, match=r"report.csv cannot be read: .*Remedy: name a file that you may read"),
    ):
        Report.read(file, time_zone="UTC")


async def test_without_a_source_a_charge_is_that_of_its_charge_id(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    lines = GOOD.splitlines()
    file.write_text(
        "".join(f"{line},{more}\n" for line, more in zip(lines, ("charge_id", "ch_1", "ch_1"), strict=True))
    )
    assert [row.source_id for row in await rows_of(Report.read(file, time_zone="UTC"))] == ["ch_1", "txn_2"]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    row = "txn_{0},2026-03-10 09:00:00,,,,usd,1.00,0.00,1.00,charge,\n"
    peaks = []
    for count in (500, 4_000):
        file = tmp_path / "report.csv"
        file.write_text(HEADER + "".join(row.format(number) for number in range(count)), "utf-8")
        tracemalloc.start()
        try:
            report = Report.read(file, time_zone="UTC")
            assert sum(1 for _ in report.records()) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        report.close()
    assert peaks[1] < 2 * peaks[0]


EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5), st.binary(max_size=4)), min_size=1, max_size=4)


@given(content=st.sampled_from([case.content for case in CASES if len(case.content) < 10_000]), edits=EDITS)
def test_whatever_is_in_a_file_it_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, edits: list[tuple[float, int, bytes]]
) -> None:
    for place, taken, given_ in edits:
        at = int(place * len(content))
        content = content[:at] + given_ + content[at + taken :]
    file = tmp_path_factory.mktemp("edited") / "report.csv"
    file.write_bytes(content)
    said = ""
    try:
        Report.read(file, time_zone="Europe/Berlin").close()
    except NotAReport as refused:
        said = str(refused)
    assert said.isprintable()
    assert not said or "Remedy: " in said
