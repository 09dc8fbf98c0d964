"""Why a webhook is refused. Stripe shows the answers in its dashboard, and sends the event again for three days."""

from typing import ClassVar


class WebhookRefused(Exception):
    """Root: nothing was recorded. `code` is stable; `str()` is a sentence for a person."""

    status: ClassVar[int] = 400
    code: ClassVar[str]
    title: ClassVar[str]


class InvalidSignature(WebhookRefused):
    """Not signed, with another secret, for other bytes, or too long ago: the sender does not learn which."""

    code = "invalid_signature"
    title = "The signature is not valid"

    def __init__(self) -> None:
        super().__init__("The request is not signed as Stripe signs for this endpoint.")


class InvalidEvent(WebhookRefused):
    """Signed, but not an event that can be read."""

    code = "invalid_event"
    title = "The body is not an event of Stripe"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The body {reason}.")


class LivemodeMismatch(WebhookRefused):
    """A live event where the key is a test key, or the other way round: the endpoint is set up in the wrong mode."""

    code = "livemode_mismatch"
    title = "The event is of the other mode"

    def __init__(self, *, livemode: bool) -> None:
        mode, other = ("live", "test") if livemode else ("test", "live")
        super().__init__(f"The event is of {mode} mode, and the key is a {other} key.")


class TooLarge(WebhookRefused):
    """The body has more bytes than are read."""

    status = 413
    code = "body_too_large"
    title = "The body is too large"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"A webhook may have {max_bytes} bytes.")
