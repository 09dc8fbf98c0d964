from infra.kafka.topic_check import Comparison, compare, remedy
from infra.kafka.topic_state import TopicState
from schemas.topics import TopicDeclaration

DECLARED = TopicDeclaration(
    name="paystream.payment", partitions=12, replication_factor=3, config={"retention.ms": "-1", "cleanup.policy": "x"}
)


def differences(config: dict[str, str], *, partitions: int = 12, replicas: int = 3) -> list[str]:
    state = TopicState(partitions=partitions, replication_factor=replicas, config=config)
    return [str(each) for each in compare(DECLARED, state) if each.differs]


def comparison(declared: str, actual: str | None, setting: str = "some.setting") -> Comparison:
    return Comparison(topic="paystream.payment", setting=setting, declared=declared, actual=actual)


def test_a_topic_as_declared_has_no_difference_whatever_else_it_has() -> None:
    assert differences({"retention.ms": "-1", "cleanup.policy": "x", "segment.bytes": "1"}) == []


def test_every_difference_is_named() -> None:
    assert differences({"retention.ms": "604800000", "cleanup.policy": "delete"}, partitions=6, replicas=1) == [
        "partitions 6 instead of 12",
        "replication factor 1 instead of 3",
        "cleanup.policy delete instead of x",
        "retention.ms 604800000 instead of -1",
    ]


def test_more_replicas_than_declared_are_none() -> None:
    assert differences({"retention.ms": "-1", "cleanup.policy": "x"}, replicas=4) == []


def test_what_the_broker_does_not_tell_is_not_compared() -> None:
    assert differences({}) == []


def test_another_spelling_of_a_value_is_the_same_value() -> None:
    for declared, actual in [
        ("0.1", "0.10"),
        ("0.1", "1e-1"),
        ("compact,delete", "delete, compact"),
        ("delete", "DELETE"),
        ("true", "True"),
        ("-1", "-1"),
        ("100", "100.0"),
    ]:
        assert not comparison(declared, actual).differs
    for declared, actual in [("0.1", "0.5"), ("compact", "compact,delete"), ("-1", "1"), ("delete", "")]:
        assert comparison(declared, actual).differs


def test_a_remedy_is_a_command_where_there_is_one() -> None:
    assert remedy(comparison("-1", "604800000", "retention.ms"), "kafka:9092") == (
        "kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type topics "
        "--entity-name paystream.payment --add-config retention.ms=-1"
    )
    assert remedy(comparison("compact,delete", "delete", "cleanup.policy"), "kafka:9092").endswith(
        "--add-config cleanup.policy=[compact,delete]"
    )


def test_partitions_cannot_be_changed_in_place() -> None:
    advice = remedy(comparison("12", "24", "partitions"), "kafka:9092")

    assert "cannot be reduced" in advice
    assert "KAFKA_TOPIC_PARTITIONS=24" in advice


def test_too_few_replicas_are_remedied_by_an_assignment() -> None:
    advice = remedy(comparison("3", "1", "replication factor"), "kafka:9092")

    assert "3 replicas with kafka-reassign-partitions.sh" in advice
    assert "KAFKA_REPLICATION_FACTOR=1" in advice
