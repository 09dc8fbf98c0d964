"""What is shown of a log when a test has failed."""

from pathlib import Path

import orjson

from tests.support.failure_report import newest_warnings


def test_the_newest_warnings_are_shown_short_and_without_what_is_empty(tmp_path: Path) -> None:
    log = tmp_path / "relay.log"
    entries = [{"timestamp": n, "level": "warning", "event": "again", "request_id": None} for n in range(9)]
    entries.append({"timestamp": 9, "level": "info", "event": "started"})
    entries.append({"timestamp": 10, "level": "error", "event": "failed", "error": "x" * 900})
    log.write_bytes(b"Traceback\n[1]\n" + b"\n".join(orjson.dumps(entry) for entry in entries))
    shown = list(newest_warnings(log))
    assert len(shown) == 6
    assert shown[0] == '    4 {"level":"warning","event":"again"}'
    assert shown[-1].startswith('    10 {"level":"error","event":"failed"')
    assert len(shown[-1]) == 300


def test_a_log_that_is_gone_shows_nothing(tmp_path: Path) -> None:
    assert list(newest_warnings(tmp_path / "none.log")) == []
