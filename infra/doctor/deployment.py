"""The processes of a deployment and what each of them finds in its environment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from infra.process import declared
from infra.settings.loading import explain
from infra.settings.process import ProcessSettings

S = TypeVar("S", bound=ProcessSettings)


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process by its name, `worker-` before it for a consumer, and the class of its settings."""

    name: str
    settings: type[ProcessSettings]
    variables: Mapping[str, str] | None = field(default=None, repr=False)
    """What it finds in its environment; None: what this process finds, and its `.env`."""

    def read(self, cls: type[S]) -> S:
        """Read settings of a class as the process would. Raises pydantic's ValidationError."""
        if self.variables is None:
            return cls()
        found: dict[str, Any] = {name.lower(): value for name, value in self.variables.items() if value}
        settings = cls.__new__(cls)
        BaseModel.__init__(settings, **found)  # not that of BaseSettings, which reads the environment of this process
        return settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Target(Generic[S]):
    """Something that processes use with the same settings."""

    settings: S
    users: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets(Generic[S]):
    """What the processes that need a thing say of it: `wrong` are lines about variables that cannot be used."""

    found: tuple[Target[S], ...]
    wrong: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """What is looked at."""

    processes: tuple[Process, ...]
    embedded: bool = False
    """Whether it is the stack of `make run`, which sets itself up."""

    def targets(self, cls: type[S], *, differing_in: Iterable[str] | None = None) -> Targets[S]:
        """Return the settings of this class of the processes that have them; those that agree are one.

        They agree when the class's own fields do, or those of `differing_in`: what every process has does not count.
        """
        common = ProcessSettings.model_fields
        names = tuple(differing_in or (name for name in cls.model_fields if name not in common))
        found: dict[tuple[Any, ...], tuple[S, list[str]]] = {}
        wrong: dict[str, None] = {}
        for process in self.processes:
            if not issubclass(process.settings, cls):
                continue
            try:
                settings = process.read(cls)
            except ValidationError as error:
                wrong.update(dict.fromkeys(explain(error)))
                continue
            found.setdefault(tuple(getattr(settings, name) for name in names), (settings, []))[1].append(process.name)
        return Targets(
            found=tuple(Target(settings=settings, users=tuple(users)) for settings, users in found.values()),
            wrong=tuple(wrong),
        )


def layers(cls: type[ProcessSettings]) -> list[type[ProcessSettings]]:
    """Return the class and those that it is made of: one can be read when another one is wrong."""
    return [each for each in cls.__mro__ if issubclass(each, ProcessSettings)]


def declared_deployment(chosen: Iterable[str] = ()) -> Deployment:
    """Return the processes that the installed package declares, or the chosen ones, with this environment.

    Raises NotDeclared for an unknown one.
    """
    return Deployment(
        processes=tuple(Process(name=name, settings=declared.settings_of(name)) for name in _names(chosen))
    )


def given_deployment(variables: Mapping[str, Mapping[str, str]], chosen: Iterable[str] = ()) -> Deployment:
    """Return an embedded stack, by what each of its processes finds in its environment."""
    return Deployment(
        processes=tuple(
            Process(name=name, settings=declared.settings_of(name), variables=variables[name])
            for name in _names(chosen)
            if name in variables
        ),
        embedded=True,
    )


def _names(chosen: Iterable[str]) -> list[str]:
    return list(chosen) or declared.names(declared.SETTINGS)
