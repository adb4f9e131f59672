from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value

from tests.services.operations.thing.state import folder, parts


class Thing(Value):
    name: str
    parts: int


class Things(Value):
    things: tuple[Thing, ...]


class ListThings(Read[NoArguments, Things]):
    """All things."""

    name = "thing.list"
    summary = "List the things"

    def read(self, arguments: NoArguments, machine: Machine) -> Things:
        names = sorted(path.name for path in folder(machine).glob("*"))
        return Things(things=tuple(Thing(name=each, parts=parts(machine, each)) for each in names))
