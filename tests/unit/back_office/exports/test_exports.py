"""Files of exactly the rows that a list shows; recorded before the first row."""

import csv
import io
from typing import Any

import httpx
import pyarrow.parquet
import pytest

from back_office.exports import files
from back_office.exports.tables import TABLES
from schemas.http.payouts import PayoutView
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import a_page, a_payment, a_problem, an_entry, away, body_of, example

FORMULA = '=HYPERLINK("http://x")'


def payments(count: int) -> list[dict[str, Any]]:
    return [a_payment(user_id=f"user_{number}", currency="JPY" if number % 2 else "USD") for number in range(count)]


def in_pages(data: list[dict[str, Any]], size: int) -> Any:
    """Answer a list in pages, and by its cursor."""

    def answer(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params.get("cursor", "0"))
        following = str(start + size) if start + size < len(data) else None
        return httpx.Response(200, json=a_page(*data[start : start + size], cursor=following))

    return answer


async def exported(office: BackOffice, form: str, page: str = "/payments?status=succeeded") -> httpx.Response:
    fields = (await office.page(page)).form("/exports").fields
    office.query_api.requested.clear()
    return await office.browser.post("/exports", data={**fields, "format": form})


async def test_a_csv_file_has_every_row_of_every_page(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = in_pages(payments(7), 3)
    answer = await exported(finance, "csv")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="payments-')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0]) == list(TABLES["payments"].columns)
    assert [row["user_id"] for row in rows] == [f"user_{number}" for number in range(7)]
    assert [rows[0]["amount"], rows[1]["amount"]] == ["10.00", "1000"]
    parameters = [dict(request.url.params) for request in finance.query_api.requested]
    assert [each.get("cursor") for each in parameters] == [None, "3", "6"]
    assert all(each["status"] == "succeeded" for each in parameters), "with the filters of the page"


@pytest.mark.parametrize("group", [2, 10_000])
async def test_a_parquet_file_has_the_same_rows_and_types(
    finance: BackOffice, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_GROUP_ROWS", group)
    finance.query_api.answers["GET /payments"] = in_pages(payments(7), 3)
    answer = await exported(finance, "parquet")
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content))
    assert table.column("user_id").to_pylist() == [f"user_{number}" for number in range(7)]
    assert table.column("amount_cents").to_pylist() == [1000] * 7
    assert str(table.schema.field("created_at").type) == "timestamp[ms, tz=UTC]"


async def test_nothing_to_export_is_a_file_without_rows(finance: BackOffice) -> None:
    fields = (await finance.page("/payments")).form("/exports").fields
    finance.query_api.answers["GET /payments"] = a_page()
    answer = await finance.browser.post("/exports", data={**fields, "format": "csv"})
    assert answer.text.count("\r\n") == 1
    empty = await finance.browser.post("/exports", data={**fields, "format": "parquet"})
    assert pyarrow.parquet.read_table(io.BytesIO(empty.content)).num_rows == 0


async def test_more_filters_than_there_are_is_no_export(finance: BackOffice) -> None:
    fields = (await finance.page("/payments")).form("/exports").fields
    many = "&".join(f"f{number}=1" for number in range(31))
    answer = await finance.browser.post("/exports", data={**fields, "format": "csv", "filters": many})
    assert answer.status_code == 400
    assert finance.command_api.commands() == []


async def test_an_export_is_recorded_before_it_is_handed_out(finance: BackOffice) -> None:
    await exported(finance, "csv", "/payments?currency=eur&amount_min=1.50&from_day=2026-05-01")
    (command,) = finance.command_api.commands()
    assert command.headers["paystream-actor"] == "finance"
    assert body_of(command) == {
        "what": "payments",
        "format": "csv",
        "filters": {
            "currency": "EUR",
            "amount_min": "150",
            "created_after": "2026-04-30T23:59:59.999999+00:00",
        },
    }
    finance.command_api.answers["POST /exports"] = away
    refused = await exported(finance, "csv")
    assert refused.status_code == 503
    assert "user_" not in refused.text


async def test_what_a_spreadsheet_would_carry_out_is_only_text(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = a_page(a_payment(user_id=FORMULA, idempotency_key="-1+1"))
    (row,) = csv.DictReader(io.StringIO((await exported(finance, "csv")).text))
    assert (row["user_id"], row["idempotency_key"]) == (f"'{FORMULA}", "'-1+1")


async def test_what_is_shown_of_the_rows_narrows_nothing(finance: BackOffice) -> None:
    fields = (await finance.page("/payments")).form("/exports").fields
    given = {**fields, "format": "csv", "filters": "columns=made%2Ckey&cursor=abc&status=succeeded"}
    assert (await finance.browser.post("/exports", data=given)).status_code == 200
    assert body_of(finance.command_api.commands()[0])["filters"] == {"status": "succeeded"}


async def test_a_busy_api_is_waited_for(finance: BackOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("back_office.exports.reading._LONGEST_PAUSE_S", 0)
    busy = [a_problem(429, "rate_limited", Retry_After="1"), httpx.Response(200, json=a_page(a_payment()))]
    finance.query_api.answers["GET /payments"] = a_page(a_payment())
    fields = (await finance.page("/payments")).form("/exports").fields
    finance.query_api.answers["GET /payments"] = lambda _: busy.pop(0)
    answer = await finance.browser.post("/exports", data={**fields, "format": "csv"})
    assert answer.text.count("\r\n") == 2


async def test_the_ledger_and_payouts_are_exported_too(finance: BackOffice) -> None:
    finance.query_api.answers["GET /ledger/entries"] = a_page(an_entry())
    rows = list(csv.DictReader(io.StringIO((await exported(finance, "csv", "/ledger/entries?currency=USD")).text)))
    assert [(row["account"], row["amount"]) for row in rows] == [
        ("stripe_clearing", "10.00"),
        ("customer_receivable", "-10.00"),
    ]
    finance.query_api.answers["GET /payouts"] = a_page(example(PayoutView))
    (row,) = csv.DictReader(io.StringIO((await exported(finance, "csv", "/payouts")).text))
    assert (row["amount"], row["automatic"]) == ("1250.00", "true")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"what": "secrets"}, 400),
        ({"format": "exe"}, 400),
        ({"csrf_token": "forged"}, 403),
        ({"filters": "from_day=never"}, 422),
    ],
)
async def test_what_is_no_export_is_refused(finance: BackOffice, changes: dict[str, str], status: int) -> None:
    fields = (await finance.page("/payments")).form("/exports").fields
    answer = await finance.browser.post("/exports", data={**fields, "format": "csv", **changes})
    assert answer.status_code == status
    assert finance.command_api.commands() == []


@pytest.mark.parametrize(("role", "may"), [("support", False), ("operator", False), ("auditor", True)])
async def test_only_some_roles_export(back_office: BackOffice, role: str, may: bool) -> None:
    await back_office.log_in(role)
    page = await back_office.page("/payments")
    assert any(form.action == "/exports" for form in page.forms) == may
    token = page.form("/logout").fields
    fields = {**token, "what": "payments", "format": "csv", "filters": ""}
    assert (await back_office.browser.post("/exports", data=fields)).status_code == (200 if may else 403)
