import uuid

from infra.ids import uuid7


def test_ids_are_version_7_of_the_standard_type_and_rise() -> None:
    ids = [uuid7() for _ in range(1000)]

    assert {type(each) for each in ids} == {uuid.UUID}
    assert {each.version for each in ids} == {7}
    assert ids == sorted(set(ids))
