"""The table of settings in docs/configuration.md."""

import stripe  # noqa: F401 - brings urllib3, which opens a socket when it is first imported: not within a test

from tests.support.configuration_page import PAGE, groups, page, settings_classes


def test_the_page_is_what_the_settings_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: make configuration"


def test_it_names_every_setting_with_its_default() -> None:
    text = page()
    for name in {name for each in settings_classes().values() for name in each.model_fields}:
        assert f"`{name.upper()}`" in text, name
    row = next(line for line in text.splitlines() if line.startswith("| `EVENT_MAX_BYTES`"))
    assert row.split(" | ")[:3] == ["| `EVENT_MAX_BYTES`", "whole number, 10000 or more", "`900000`"]


def test_no_default_shows_a_secret() -> None:
    text = page()
    for each in settings_classes().values():
        for field in each.model_fields.values():
            if hasattr(field.default, "get_secret_value"):
                assert field.default.get_secret_value() not in text


def test_variables_share_the_words_above_them() -> None:
    text = "# --- One ---\n# first\n# and more\nA=1\nB=\n\n# lost\n\nC=3\n# --- Two ---\n# last\nD=4"
    found = [(each.section, each.words, each.names) for each in groups(text)]
    assert found == [("One", "first and more", ("A", "B")), ("One", "", ("C",)), ("Two", "last", ("D",))]
