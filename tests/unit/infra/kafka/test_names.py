import pytest
from aiokafka import TopicPartition
from pydantic import ValidationError

from infra.kafka.names import KafkaNames
from infra.kafka.topics import cell_declarations
from infra.settings.kafka import KafkaSettings
from schemas.topics import dead_letter_topics, declarations, event_topics


def settings(cell: str | None = None) -> KafkaSettings:
    return KafkaSettings(_env_file=None, kafka_bootstrap_servers="broker:9092", cell=cell)


def test_without_a_cell_every_name_is_the_declared_one() -> None:
    names = KafkaNames.of(settings())

    assert names.are_as_declared
    assert [names.topic(each) for each in event_topics()] == event_topics()
    assert names.owned("projector") == "projector"
    assert [each.name for each in cell_declarations(settings())] == [each.name for each in declarations(12, 1)]


def test_a_cells_topics_groups_and_transactions_begin_with_its_name() -> None:
    names = KafkaNames.of(settings("eu-1"))

    assert names.topic("paystream.payment") == "paystream.eu-1.payment"
    assert names.topic("paystream.payment.dlq.projector") == "paystream.eu-1.payment.dlq.projector"
    assert names.place(TopicPartition("paystream.relay-progress", 0)) == ("paystream.eu-1.relay-progress", 0)
    assert names.owned("projector") == "eu-1.projector"
    assert names.owned("paystream-relay-0-of-1") == "eu-1.paystream-relay-0-of-1"


@pytest.mark.parametrize("cell", [None, "a", "eu-1", "payment"])
def test_every_declared_topic_is_found_again_by_its_name(cell: str | None) -> None:
    names = KafkaNames(cell)
    for each in (*event_topics(), *dead_letter_topics()):
        assert names.declared_topic(names.topic(each)) == each
        assert names.declared_place(names.place(TopicPartition(each, 3))) == (each, 3)


def test_no_cell_has_a_topic_of_another_one() -> None:
    cells = [None, "a", "a-b", "b", "payment", "dlq", "relay-progress"]
    topics = [KafkaNames(cell).topic(each.name) for cell in cells for each in declarations(1, 1)]
    assert len(topics) == len(set(topics))


def test_a_topic_of_another_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="none of this cell"):
        KafkaNames("a").declared_topic("paystream.b.payment")


@pytest.mark.parametrize("cell", ["", ".", "a.b", "A", "-a", "a-", "ä", "a" * 33, "a\n"])
def test_what_would_make_no_name_of_a_topic_is_no_cell(cell: str) -> None:
    with pytest.raises(ValidationError, match="cell"):
        settings(cell)
