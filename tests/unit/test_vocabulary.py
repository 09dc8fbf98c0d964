"""The words of docs/glossary.md, and none of those that they took the place of."""

import pytest

from tests.support.vocabulary import OLD_WORDS, OldWord, old_words, refused


def test_no_name_and_no_document_has_a_word_that_was_replaced() -> None:
    assert refused() == []


@pytest.mark.parametrize("name", ["put_off", "PutOff", "PUT_OFF", "is_put_off", "PutOffAgain"])
def test_an_old_word_is_found_however_it_is_written(name: str) -> None:
    assert [old.term for old in old_words(name)] == ["deferred"]


@pytest.mark.parametrize("name", ["input_offset", "healthy", "offer", "roommate", "whole"])
def test_a_word_that_only_contains_an_old_one_is_right(name: str) -> None:
    assert old_words(name) == ()


@pytest.mark.parametrize("old", [old for old in OLD_WORDS if old.allowed], ids=lambda old: old.term)
def test_what_is_allowed_has_a_reason(old: OldWord) -> None:
    assert all(old.allowed.values())
