"""A stand-in for the network: keeps the webhooks that were sent, and answers as it is told."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from infra.stripe_sandbox.webhooks.falsify import Message
from infra.stripe_sandbox.webhooks.transport import NotSentError


@dataclass(kw_only=True)
class Receiver:
    """Takes everything, unless `answers` says otherwise for the next ones: a status, or None for no answer."""

    sent: list[tuple[str, Message]] = field(default_factory=list)
    answers: list[int | None] = field(default_factory=list)

    async def send(self, url: str, message: Message) -> int:
        self.sent.append((url, message))
        status = self.answers.pop(0) if self.answers else 200
        if status is None:
            raise NotSentError("nobody there")
        return status

    async def close(self) -> None:
        pass

    @property
    def messages(self) -> list[Message]:
        return [message for _, message in self.sent]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(message.body) for message in self.messages]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]
