"""Which process the fork server tells of: the system gives out the ids of those that ended again."""

from infra.embedded.forked_process import Children


def test_a_process_with_the_id_of_one_that_ended_still_runs() -> None:
    children = Children()
    children.started(7)
    first = children.take_started()
    children.ended(7, 1)
    children.started(7)
    second = children.take_started()
    assert first is not None
    assert second is not None
    assert (first.code, second.code) == (1, None)
    children.ended(7, 0)
    assert (first.code, second.code) == (1, 0)


def test_a_process_that_began_is_taken_once() -> None:
    children = Children()
    children.started(7)
    children.started(8)
    assert [each and each.pid for each in (children.take_started(), children.take_started())] == [8, None]


def test_one_that_ended_before_it_began_is_nobodys() -> None:
    children = Children()
    children.ended(7, -9)
    children.started(7)
    taken = children.take_started()
    assert taken is not None
    assert taken.code is None
