"""What `paystream up` and `paystream demo` print."""

import os
import sys
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from infra.cli.readable_logs import LogLine
from infra.embedded.connections import DEVELOPMENT_KEY
from infra.embedded.reports import (
    ComponentEnded,
    ComponentReady,
    LeftoverEnded,
    Report,
    RestartFailed,
    StepBegan,
    StepDone,
)
from infra.embedded.stack import Stack
from infra.settings.staff import DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD, DEVELOPMENT_STAFF

_NAME_WIDTH = 24
_ADDRESS_WIDTH = 18
_MOST_LINES_AT_ONCE = 25
_BODY = '{"user_id":"test_user_123","amount_cents":1000,"currency":"USD","payment_method":"pm_card_visa"}'


class _PipeConsole(Console):
    """A console that tells of a closed pipe, as of any output that fails: Rich would end the process."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Screen:
    """Prints to standard output: in colours on a terminal, as plain text elsewhere.

    It says nothing once the terminal or the pipe is closed: the stack must still end in good order.
    """

    def __init__(self) -> None:
        self._console = _PipeConsole(highlight=False, markup=False, soft_wrap=True, emoji=False)
        self._gone = False

    def say(self, *lines: RenderableType) -> None:
        """Print the lines."""
        if self._gone:
            return
        try:
            for line in lines:
                self._console.print(line)
            sys.stdout.flush()
        except OSError:
            self._gone = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end

    def report(self, report: Report) -> None:
        """Say what happens to the stack."""
        match report:
            case ComponentReady(label=label, address=address, seconds=seconds):
                self._component(label, address, seconds)
            case StepBegan(label=label, what=what):
                self.say(Text(f"  {label}: {what}"))
            case StepDone(label=label, outcome=outcome, seconds=seconds):
                self._component(label, outcome, seconds)
            case LeftoverEnded(name=name):
                self.say(Text(f"  ended {name}, left over from an earlier run", style="yellow"))
            case ComponentEnded(label=label, exit_code=code, again_in_s=delay, log=log):
                text = f"{label} ended (exit code {code}); starting it again in {delay:g} s. Its log: {log}"
                self.say(Text(text, style="red"))
            case RestartFailed(label=label, reason=reason, again_in_s=delay):
                self.say(Text(f"{label} does not start, again in {delay:g} s: {reason}", style="red"))

    def log_lines(self, log_lines: Sequence[LogLine]) -> None:
        """Print notable events in the order of their times; of very many at once the first, and all that are loud."""
        lines_left = _MOST_LINES_AT_ONCE
        left = 0
        for log_line in sorted(log_lines, key=lambda log_line: log_line.at):
            if not log_line.loud and lines_left == 0:
                left += 1
                continue
            lines_left -= not log_line.loud
            self.say(
                Text.assemble(
                    (log_line.time, "dim"), "  ", (log_line.subject, "cyan"), "  ", (log_line.text, log_line.style)
                )
            )
        if left:
            self.say(Text(f"          and {left} more events", style="dim"))

    def _component(self, label: str, address: str, seconds: float) -> None:
        line = f"{label:<{_NAME_WIDTH}} {address:<{_ADDRESS_WIDTH}} {seconds:6.1f} s"
        self.say(Text.assemble(("  ready  ", "green"), line))


def what_to_try(stack: Stack) -> list[str]:
    """Return what a person can do with a stack that is up."""
    urls = stack.urls
    command_api, query_api = urls.command_api, urls.query_api
    accounts = f"{DEVELOPMENT_STAFF}, or as the operator {DEVELOPMENT_OPERATOR}"
    return [
        "",
        f"  Command API     {command_api}   (its documentation: {command_api}/docs)",
        f"  Query API       {query_api}   (its documentation: {query_api}/docs)",
        f"  Back office     {urls.back_office}   (log in as {accounts}, password {DEVELOPMENT_PASSWORD})",
        f"  Stripe sandbox  {urls.sandbox}",
        f"  Kafka           {stack.kafka_bootstrap_servers}   (to consume events: docs/consuming-events.md)",
        *([f"  Prometheus      {stack.prometheus_url}"] if stack.prometheus_url else ()),
        f"  API key         {DEVELOPMENT_KEY}   (for development only)",
        f"  Logs            {stack.home.logs}",
        "",
        "Try a payment:",
        "",
        f"  curl -s {command_api}/payments -H 'Authorization: Bearer {DEVELOPMENT_KEY}' \\",
        "       -H 'Content-Type: application/json' \\",
        f"       -d '{_BODY}'",
        "",
        "Then, with the id of the answer:",
        "",
        f"  curl -s {query_api}/payments/<id>",
        f"  curl -s {command_api}/payments/<id>/refund -H 'Authorization: Bearer {DEVELOPMENT_KEY}' \\",
        "       -H 'Content-Type: application/json' -d '{\"amount_cents\":500}'",
        "",
        "In another terminal, `make doctor` checks everything.",
        "Ctrl-C ends everything; the payments stay.",
        "",
    ]
