"""Report files as people have them: what is in each, and what becomes of it. docs/report-files.md shows this table."""

import gzip
from dataclasses import dataclass

HEADER = (
    "balance_transaction_id,created_utc,created,available_on_utc,available_on,currency,gross,fee,net,"
    "reporting_category,description\n"
)
"""What balance_change_from_activity.itemized.3 has by default: no source_id."""
PAYOUT_HEADER = (
    "automatic_payout_id,automatic_payout_effective_at_utc,automatic_payout_effective_at,balance_transaction_id,"
    "created_utc,created,available_on_utc,available_on,currency,gross,fee,net,reporting_category,description\n"
)
"""What payout_reconciliation.itemized.5 has by default."""
_AT = "2026-03-10 09:00:00"
_DAYS = f"{_AT},{_AT},2026-03-12 00:00:00,2026-03-12 00:00:00"
FIRST = f"txn_1,{_DAYS},usd,1234.56,35.10,1199.46,charge,Tea\n"
SECOND = f"txn_2,{_DAYS},usd,-5.00,0.00,-5.00,refund,\n"
GOOD = HEADER + FIRST + SECOND
PAID = (
    PAYOUT_HEADER
    + f"po_1,{_AT},{_AT},txn_1,{_DAYS},usd,1234.56,35.10,1199.46,charge,Tea\n"
    + f"po_1,{_AT},{_AT},txn_2,{_DAYS},usd,-5.00,0.00,-5.00,refund,\n"
)
_AGAIN = "download it from Stripe again"
_REPORT_AGAIN = "download the report again"
_EXCEL = "open the file that Stripe made, not one that a spreadsheet has saved"
_GET_ONE = "download `Balance change from activity` or `Payout reconciliation` from Stripe, itemized, as CSV"
_AS_CSV = "download it from Stripe as CSV, or save it from the spreadsheet as CSV (UTF-8)"
_NEEDED = "balance_transaction_id, currency, gross, fee, net, reporting_category, created_utc"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file. `message` is all that is said of a refused one; None: it is read, as these amounts by transaction."""

    name: str
    content: bytes
    message: str | None = None
    amounts: dict[str, tuple[int, int]] | None = None
    moment: str = f"{_AT}+00:00"
    """When its first row was made."""
    file: str = "report.csv"

    @property
    def line(self) -> str:
        """Its line in the documentation."""
        said = "" if self.message is None else self.message.replace("`", "'").replace("|", "\\|")
        shown = f"`{said}`" if said else ""
        return f"| {self.name} | {'read' if self.message is None else 'refused'} | {shown} |"


def _encoded(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def read(
    name: str,
    content: str | bytes,
    amounts: dict[str, tuple[int, int]] | None = None,
    *,
    file: str = "report.csv",
    moment: str = f"{_AT}+00:00",
) -> Case:
    both = {"txn_1": (123_456, 3_510), "txn_2": (-500, 0)}
    return Case(name=name, content=_encoded(content), amounts=amounts or both, file=file, moment=moment)


def refused(name: str, content: str | bytes, message: str, *, file: str = "report.csv") -> Case:
    return Case(name=name, content=_encoded(content), message=f"{file}{message}", file=file)


def _row(**values: str) -> str:
    """Return the first row, with other values."""
    names = HEADER.strip().split(",")
    fields = dict(zip(names, FIRST.rstrip("\n").split(","), strict=True)) | values
    return ",".join(fields[name] for name in names) + "\n"


def _sums(gross: str, fee: str, net: str, currency: str = "usd") -> str:
    """Return the first row, with other amounts."""
    return _row(currency=currency, gross=f'"{gross}"', fee=f'"{fee}"', net=f'"{net}"')


def _made(first: str, second: str = _AT) -> str:
    """Return both rows, made at other times."""
    return HEADER + _row(created_utc=f'"{first}"') + SECOND.replace(_AT, f'"{second}"', 1)


def _is_no_amount(text: str) -> str:
    return f", line 2, column 7 (gross): {text} is not an amount. Remedy: an amount is like -1234.56; {_REPORT_AGAIN}"


def _one(amount: int, fee: int) -> dict[str, tuple[int, int]]:
    return {"txn_1": (amount, fee)}


_CUT = f"may not be all of it. Remedy: {_AGAIN}; if nothing is missing, end the last line with a line break"
_OTHER = {
    "Balances": "id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC)\n",
    "Payments": "id,Created date (UTC),Amount,Amount Refunded,Currency,Status\n",
}

CASES = [
    # --- What Stripe makes
    read("Balance change from activity, itemized, default columns", GOOD),
    read("Payout reconciliation, itemized, default columns", PAID),
    read(
        "the columns in another order, with `source_id`",
        "source_id,reporting_category,net,fee,gross,currency,created_utc,balance_transaction_id\n"
        f"ch_1,charge,1199.46,35.10,1234.56,usd,{_AT},txn_1\nre_1,refund,-5.00,0.00,-5.00,usd,{_AT},txn_2\n",
    ),
    read(
        "`created` alone, in the report's time zone (here UTC)",
        GOOD.replace("created_utc,", "").replace(f",{_AT},{_AT},", f",{_AT},"),
    ),
    read("a description with a comma, quotes and line breaks", GOOD.replace("Tea", '"Tea, ""green""\nand\r\nblack"')),
    read(
        "decimals after a comma (`decimal_separator`)",
        HEADER + _sums("1234,56", "35,10", "1199,46"),
        _one(123_456, 3_510),
    ),
    read("an amount in JPY, which has no decimals", HEADER + _sums("1234", "35", "1199", "jpy"), _one(1_234, 35)),
    read("an amount in KWD, which has three", HEADER + _sums("12.345", "0.590", "11.755", "kwd"), _one(12_345, 590)),
    read("packed by gzip", gzip.compress(GOOD.encode(), mtime=0), file="report.csv.gz"),
    # --- What a spreadsheet or an editor makes of it
    read("UTF-8 with a byte order mark", GOOD.encode("utf-8-sig")),
    read("UTF-16 with a byte order mark", GOOD.encode("utf-16")),
    read("UTF-16 without one", GOOD.encode("utf-16-le")),
    read("a description in a code page (Windows-1252)", GOOD.replace("Tea", "Thé").encode("cp1252")),
    read("lines that end with CRLF", GOOD.replace("\n", "\r\n")),
    read("lines that end with CR", GOOD.replace("\n", "\r")),
    read("semicolons and decimals after a comma", GOOD.replace(",", ";").replace(".", ",")),
    read("tabs", GOOD.replace(",", "\t")),
    read("`sep=;` in the first line", "sep=;\n" + GOOD.replace(",", ";")),
    read(
        "blank lines, and lines of separators alone",
        "\n" + HEADER + "\n" + FIRST + ",,,,,,,,,,\n  \n" + SECOND + "\n\n",
    ),
    read(
        "names of columns in other case and with spaces",
        GOOD.replace("balance_transaction_id", " Balance Transaction ID ")
        .replace("created_utc", "Created (UTC)")
        .replace("gross", "GROSS"),
    ),
    read("thousands: `1,234.56`", HEADER + _sums("1,234.56", "35.10", "1,199.46"), _one(123_456, 3_510)),
    read("thousands: `1.234,56`", HEADER + _sums("1.234,56", "35,10", "1.199,46"), _one(123_456, 3_510)),
    read("thousands: `1 234,56`", HEADER + _sums("1 234,56", "35,10", "1 199,46"), _one(123_456, 3_510)),
    read("thousands: `1,234` in USD", HEADER + _sums("1,234", "0", "1,234"), _one(123_400, 0)),
    read(
        "`1,234` in KWD, where other amounts show the decimals",
        HEADER + _sums("1,234", "0,590", "0,644", "kwd"),
        _one(1_234, 590),
    ),
    read("a time with an offset", _made("2026-03-10T10:00:00+01:00")),
    read("a time with `Z`, a time without seconds", _made("2026-03-10 09:00:00Z", "2026-03-10 09:00")),
    read("`2026/3/10 9:00`", _made("2026/3/10 9:00", "2026/3/10 9:00:00")),
    read("`10.03.2026 09:00`: with points the day is first", _made("10.03.2026 09:00", "10.03.2026 09:00")),
    read("`03/10/2026`, where another row has `03/13/2026`", _made("03/10/2026 9:00:00 AM", "03/13/2026 9:00")),
    read("`10/03/2026`, where another row has `13/03/2026`", _made("10/03/2026 09:00", "13/03/2026 09:00")),
    read("a total at the end that is right", GOOD + "Total,,,,,,1229.56,35.10,1194.46,,\n"),
    read("a sum at the end without a name that is right", GOOD + ",,,,,,1229.56,,1194.46,,\n"),
    read("two downloads pasted together: each row counts once", GOOD + GOOD),
    read("two payout reports pasted together", PAID + PAID),
    # --- Not the report
    refused("an empty file", "", f" is empty. Remedy: {_AGAIN}"),
    refused("a header alone", HEADER, f" has no rows. Remedy: {_AGAIN}"),
    refused(
        "an Excel workbook",
        b"PK\x03\x04\x14\x00",
        f" is a ZIP archive or an Excel workbook. Remedy: {_AS_CSV}",
        file="report.xlsx",
    ),
    refused(
        "a web page", "<!DOCTYPE html>\n", f" is a web page or XML, perhaps the page of a login. Remedy: {_AS_CSV}"
    ),
    refused(
        "an export of the Dashboard's Balances",
        _OTHER["Balances"],
        f" is an export of Stripe's Dashboard: Balances, All activity. Remedy: {_GET_ONE}",
    ),
    refused(
        "an export of the Dashboard's Payments",
        _OTHER["Payments"],
        f" is an export of Stripe's Dashboard: Payments. Remedy: {_GET_ONE}",
    ),
    refused(
        "payouts.itemized",
        "payout_id,effective_at_utc,currency,gross,fee,net,reporting_category,balance_transaction_id\n",
        f" is Stripe's report payouts.itemized: payouts, without what they pay. Remedy: {_GET_ONE}",
    ),
    refused(
        "a summary",
        "reporting_category,currency,count,gross,fee,net\n",
        f" is a summary from Stripe, without single rows. Remedy: {_GET_ONE}",
    ),
    refused(
        "a report of connected accounts",
        "connected_account," + HEADER,
        f" is a report of connected accounts, whose money is not this account's. Remedy: {_GET_ONE}",
    ),
    refused(
        "ending_balance_reconciliation",
        GOOD,
        f" is Stripe's report ending_balance_reconciliation: of no whole time. Remedy: {_GET_ONE}",
        file="Ending_balance_reconciliation.csv",
    ),
    refused(
        "any other CSV file",
        "a,b\n1,2\n",
        f" is none of Stripe's reports balance_change_from_activity.itemized and payout_reconciliation.itemized: "
        f"it lacks the columns {_NEEDED}. "
        f"Remedy: {_GET_ONE}",
    ),
    refused(
        "a column twice",
        HEADER.replace("description", "fee"),
        f", line 1, column 7 (fee): it is there twice. Remedy: {_AGAIN}".replace("column 7", "column 8"),
    ),
    refused(
        "a payout in a report of activity",
        HEADER + _row(reporting_category="payout"),
        f", line 2, column 10 (reporting_category): payout is a category that "
        f"`Balance change from activity` does not have. "
        f"Remedy: {_GET_ONE}",
    ),
    # --- Not all of it
    refused(
        "it ends inside a quote",
        GOOD + FIRST.replace("Tea\n", '"Te'),
        f", line 4, column 11: a quote is opened here, and the file ends before it is closed. Remedy: {_AGAIN}",
    ),
    refused(
        "a quote is opened, and many rows follow",
        HEADER + FIRST.replace("Tea", '"Tea') + SECOND * 3,
        f", line 2, column 11: a quote is opened here, and the file ends before it is closed. Remedy: {_AGAIN}",
    ),
    refused(
        "a quote is opened, and another field has quotes",
        HEADER + FIRST.replace("Tea", '"Tea') + SECOND.replace(",\n", ',"x"\n'),
        f", line 2, column 11: a quote is opened here, and not closed where the field ends. Remedy: {_AGAIN}",
    ),
    refused(
        "a quote in the middle of a field",
        HEADER + FIRST.replace("Tea", 'Te"a'),
        f", line 2, column 11: there is a quote in the middle of a field. Remedy: {_AGAIN}",
    ),
    refused(
        "it ends inside a row",
        GOOD + FIRST[:20],
        f", line 4, column 2: the file ends here, in the middle of a line: '2026-03-10 09:0' {_CUT}".replace(
            "2026-03-10 09:0'", FIRST[6:20] + "'"
        ),
    ),
    refused(
        "it ends inside the last field",
        GOOD[:-1] + "Re",
        f", line 3, column 11: the file ends here, in the middle of a line: 'Re' {_CUT}",
    ),
    refused(
        "a row has fewer fields than the header",
        HEADER + SECOND.replace(",refund,", ",refund"),
        f", line 2, column 10: it has 10 fields, and the header has 11. Remedy: {_AGAIN}",
    ),
    refused(
        "a row has more fields",
        HEADER + FIRST.replace("Tea", "Tea,green"),
        f", line 2, column 12: it has 12 fields, and the header has 11. Remedy: {_AGAIN}",
    ),
    refused(
        "it is packed, and ends in the middle",
        gzip.compress(GOOD.encode(), mtime=0)[:-12],
        f" is packed and ends in the middle. Remedy: {_AGAIN}",
        file="report.csv.gz",
    ),
    refused(
        "UTF-16 that ends inside a character",
        GOOD.encode("utf-16")[:-1],
        f" ends or breaks in the middle of a character. Remedy: {_AGAIN}",
    ),
    refused(
        "a total that is not that of the rows",
        GOOD + "Total,,,,,,1229.56,35.10,9999.99,,\n",
        f", line 4, column 9 (net): it is a total of 9999.99, and the rows above come to another one. "
        f"Remedy: rows may be missing: {_AGAIN}",
    ),
    refused(
        "rows below a total",
        GOOD + "Total,,,,,,1229.56,35.10,1194.46,,\n" + FIRST,
        ", line 5: a row stands below the total in line 4. Remedy: give each report by itself",
    ),
    refused(
        "a transaction twice, with other values",
        GOOD + FIRST.replace("35.10,1199.46", "35.00,1199.56"),
        ", line 4: txn_1 is in line 2 too, with other values. Remedy: give each report by itself, as Stripe made it",
    ),
    refused(
        "two reports with other columns pasted together",
        GOOD + PAID,
        ", line 4: another report begins here, with other columns. Remedy: give each report by itself",
    ),
    refused(
        "a NUL byte", GOOD.replace("Tea", "T\0a"), f", line 2: it has a NUL byte, which is no text. Remedy: {_AGAIN}"
    ),
    refused(
        "a field without end",
        HEADER + FIRST.replace("Tea", "T" * (1 << 20)),
        f", line 2: it is longer than 1,048,576 characters. Remedy: {_AGAIN}",
    ),
    # --- Values
    *(
        refused(f"an amount like `{text}`", HEADER + _sums(text, "35.10", "1199.46"), _is_no_amount(text))
        for text in ("NaN", "Infinity", "\uff11\uff12", "ten", "(5.00)", "1,23,456.00", "$5.00", "--5")
    ),
    refused(
        "an amount like `1e3`",
        HEADER + _sums("1e3", "0", "1000"),
        f", line 2, column 7 (gross): 1e3 is in scientific notation, as spreadsheets write: digits may be lost. "
        f"Remedy: {_EXCEL}",
    ),
    refused(
        "no amount",
        HEADER + _sums("", "0", "0"),
        f", line 2, column 7 (gross): there is no amount. Remedy: {_REPORT_AGAIN}",
    ),
    refused(
        "more decimals than the currency has",
        HEADER + _sums("10.50", "0", "10.50", "jpy"),
        f", line 2, column 7 (gross): 10.50 is no amount of JPY, which has 0 decimals. "
        f"Remedy: {_REPORT_AGAIN}; a spreadsheet may have rounded or re-formatted it",
    ),
    refused(
        "`1,234` in KWD, where nothing shows the decimals",
        HEADER + _sums("1,234", "0", "1,234", "kwd"),
        ", line 2, column 7 (gross): 1,234 may be 1234 or 1.234. "
        "Remedy: download the report with the decimal separator `.`",
    ),
    refused(
        "decimals after a comma here and after a point there",
        HEADER + _sums("1234.56", "35,10", "1199.46"),
        f", line 2, column 8 (fee): 35,10 has its decimals after ',', and numbers before it after '.'. "
        f"Remedy: {_EXCEL}",
    ),
    refused(
        "more digits than any amount",
        HEADER + _sums("1" * 20, "0", "1" * 20),
        f", line 2, column 7 (gross): {'1' * 20} has more digits than any amount. Remedy: {_REPORT_AGAIN}",
    ),
    refused(
        "more than any amount",
        HEADER + _sums("99999999999999.000", "0", "0", "kwd"),
        ", line 2, column 7 (gross): 99999999999999.000 is more than any amount. Remedy: download the report again",
    ),
    refused(
        "net is not gross less fee",
        HEADER + _sums("10.00", "0.59", "10.00"),
        f", line 2, column 9 (net): 10.00: net is not gross less fee, 10.00 - 0.59. Remedy: {_AGAIN}",
    ),
    refused(
        "a currency that nobody knows",
        HEADER + _row(currency="xxx"),
        ", line 2, column 6 (currency): xxx is no currency that Paystream knows. "
        "Remedy: see the list in domain/currencies.py; amounts cannot be read",
    ),
    refused(
        "an id in scientific notation",
        HEADER + _row(balance_transaction_id="1.23E+15"),
        f", line 2, column 1 (balance_transaction_id): 1.23E+15 is no Stripe id, "
        f"which is like txn_1Abc; a spreadsheet may have changed it. "
        f"Remedy: {_EXCEL}",
    ),
    refused(
        "no id",
        HEADER + _row(balance_transaction_id=""),
        f", line 2, column 1 (balance_transaction_id): there is no id. Remedy: {_REPORT_AGAIN}",
    ),
    refused(
        "no category",
        HEADER + _row(reporting_category=""),
        f", line 2, column 10 (reporting_category): nothing is no reporting category. Remedy: {_REPORT_AGAIN}",
    ),
    refused(
        "`03/10/2026`, where no row shows which is the month",
        _made("03/10/2026 09:00", "03/11/2026 09:00"),
        f", line 2, column 2 (created_utc): 03/10/2026 09:00 may be of two days: a spreadsheet has re-formatted it. "
        f"Remedy: {_EXCEL}",
    ),
    refused(
        "days and months in both orders",
        _made("13/03/2026 09:00", "03/13/2026 09:00"),
        f", line 3, column 2 (created_utc): 03/13/2026 09:00 has its day and month "
        f"the other way round than dates before it. "
        f"Remedy: {_EXCEL}",
    ),
    refused(
        "a time as a spreadsheet counts it",
        _made("46091.375"),
        f", line 2, column 2 (created_utc): 46091.375 is a time as a spreadsheet counts it. "
        f"Remedy: a time is like 2026-05-01 12:00:00; {_EXCEL}",
    ),
    refused(
        "no time",
        HEADER + _row(created_utc="", created=""),
        f", line 2, column 3 (created): there is no time. Remedy: a time is like 2026-05-01 12:00:00; {_EXCEL}",
    ),
    refused(
        "something else in the place of a time",
        _made("yesterday"),
        f", line 2, column 2 (created_utc): yesterday is not a time. "
        f"Remedy: a time is like 2026-05-01 12:00:00; {_EXCEL}",
    ),
    refused(
        "a date that there is not",
        _made("2026-02-30 09:00:00"),
        f", line 2, column 2 (created_utc): 2026-02-30 09:00:00 is no date that there is. Remedy: {_EXCEL}",
    ),
    refused(
        "a time of another century",
        _made("0026-03-10 09:00:00"),
        f", line 2, column 2 (created_utc): 0026-03-10 09:00:00 is not of this time. Remedy: {_EXCEL}",
    ),
]
