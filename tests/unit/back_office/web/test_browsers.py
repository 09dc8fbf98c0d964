"""What a browser is called for people."""

import pytest

from back_office.web.browsers import browser_words

_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "said"),
    [
        (f"{_MAC} Version/17.4 Safari/605.1.15", "Safari on macOS"),
        (f"{_MAC} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", "Edge on macOS"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox on Windows"),
        (
            "Mozilla/5.0 (Linux; Android 14) Chrome/126.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) CriOS/126.0 Mobile Safari/604.1", "Chrome on iPhone"),
        ("curl/8.5.0", "Another program"),
        ("", "It did not say what it is"),
    ],
)
def test_a_browser_is_said_in_words(user_agent: str, said: str) -> None:
    assert browser_words(user_agent) == said
