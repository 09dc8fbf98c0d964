"""Why nobody came in by single sign-on. `reason` is for log lines: it has nothing of a token and of no person."""


class SignOnError(Exception):
    """Nobody came in."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderAway(SignOnError):
    """The provider does not answer, or not as its protocol has it."""


class ProviderRefused(SignOnError):
    """The provider did not let somebody in, or does not accept what its page handed out."""


class TokenRefused(SignOnError):
    """What the provider said of somebody cannot be trusted, or is not for us."""
