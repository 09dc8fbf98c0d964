from pathlib import Path

from infra.cli.log_follower import Follower


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_only_what_is_added_later_is_read(tmp_path: Path) -> None:
    log = tmp_path / "relay.log"
    append(log, "old\n")
    follower = Follower([log])
    assert follower.new_lines() == []
    append(log, "new\n")
    assert follower.new_lines() == ["new"]
    assert follower.new_lines() == []


def test_half_a_line_is_left_until_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "relay.log"
    follower = Follower([log])
    append(log, "one\ntw")
    assert follower.new_lines() == ["one"]
    append(log, "o\n")
    assert follower.new_lines() == ["two"]


def test_a_file_that_comes_later_or_is_replaced_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "relay.log"
    append(log, "a long line of the old file\n")
    follower = Follower([log])
    log.rename(tmp_path / "relay.log.1")
    append(log, "new\n")
    assert follower.new_lines() == ["new"]


def test_of_a_flood_the_newest_is_read(tmp_path: Path) -> None:
    log = tmp_path / "relay.log"
    follower = Follower([log])
    append(log, ("x" * 1023 + "\n") * 2048 + "last\n")
    lines = follower.new_lines()
    assert len(lines) < 1100
    assert lines[-1] == "last"


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    log = tmp_path / "relay.log"
    follower = Follower([log])
    append(log, '{"user_id":"a\u2028b\u0085c"}\n')
    assert follower.new_lines() == ['{"user_id":"a\u2028b\u0085c"}']
