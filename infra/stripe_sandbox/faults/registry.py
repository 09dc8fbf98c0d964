"""The rules that are in force, and how often each was looked at and came true; both outlive the process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.stripe_sandbox.faults.rules import OF_BALANCE, OF_REQUESTS, OF_WEBHOOKS, Effect, Rule
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.store import Store


@dataclass(kw_only=True, slots=True)
class Standing:
    """A rule and its counts."""

    id: int
    rule: Rule
    seen: int = 0
    fired: int = 0

    def shown(self) -> JsonObject:
        """Return it as the control panel shows it."""
        counts: JsonObject = {"id": self.id, "seen": self.seen, "fired": self.fired}
        return {**counts, **self.rule.model_dump(mode="json", exclude_defaults=True)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A rule that has come true; `number` is how many matches came before."""

    rule: Rule
    number: int

    @property
    def effect(self) -> Effect:
        """What goes wrong."""
        return self.rule.effect

    @property
    def moved_ms(self) -> float:
        """How far a reordered webhook is moved, from 0 to `ms`."""
        return self.rule.ms * self.rule.draw(self.number, "moved")


class Faults:
    """The rules of a sandbox. What comes true is counted inside the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._standing = self._read()

    def add(self, rule: Rule) -> Standing:
        """Put a rule in force, inside the caller's transaction."""
        cursor = self._store.execute("insert_fault_rule", rule=rule.model_dump_json(exclude_defaults=True))
        assert cursor.lastrowid is not None
        standing = Standing(id=cursor.lastrowid, rule=rule)
        self._standing.append(standing)
        return standing

    def clear(self, rule_id: int | None = None) -> int:
        """End one rule, or all; return how many ended. Inside the caller's transaction."""
        before = len(self._standing)
        self._store.execute("delete_fault_rule", id=rule_id)
        self._standing = [each for each in self._standing if rule_id not in {None, each.id}]
        return before - len(self._standing)

    def reload(self) -> None:
        """Read the rules again, after the store has changed under us."""
        self._standing = self._read()

    def all(self) -> list[JsonObject]:
        """Return every rule with its counts, ended ones too."""
        return [each.shown() for each in self._standing]

    def of_request(self, method: str, path: str) -> Fault | None:
        """Return what goes wrong with a request: the first rule that comes true. Costs nothing without rules."""
        if not self._standing:
            return None
        with self._store.transaction():
            return next(self._coming_true(OF_REQUESTS, lambda rule: rule.matches_request(method, path)), None)

    def of_webhook(self, event_type: str) -> list[Fault]:
        """Return all that goes wrong with the webhooks of an event."""
        return (
            []
            if not self._standing
            else list(self._coming_true(OF_WEBHOOKS, lambda rule: rule.matches_type(event_type)))
        )

    def of_balance_row(self, row_type: str) -> list[Fault]:
        """Return all that goes wrong with a balance row."""
        return (
            [] if not self._standing else list(self._coming_true(OF_BALANCE, lambda rule: rule.matches_type(row_type)))
        )

    def _coming_true(self, effects: frozenset[Effect], meant: Callable[[Rule], bool]) -> Iterator[Fault]:
        for standing in self._standing:
            rule = standing.rule
            if rule.effect not in effects or rule.ended(standing.fired) or not meant(rule):
                continue
            number = standing.seen
            fires = rule.fires(number, standing.fired)
            standing.seen += 1
            standing.fired += fires
            self._store.execute("count_fault", id=standing.id, seen=standing.seen, fired=standing.fired)
            if fires:
                yield Fault(rule=rule, number=number)

    def _read(self) -> list[Standing]:
        return [
            Standing(id=rule_id, rule=Rule.model_validate_json(rule), seen=seen, fired=fired)
            for rule_id, rule, seen, fired in self._store.execute("fault_rules")
        ]
