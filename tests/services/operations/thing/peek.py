from __future__ import annotations

from sigmavault.core.operation import Machine, Read, Value

from tests.services.operations.thing.state import ThingArguments, parts


class Peeked(Value):
    parts: int


class Peek(Read[ThingArguments, Peeked]):
    """What not everybody may see."""

    name = "thing.peek"
    summary = "Look into a thing"
    private = True

    def read(self, arguments: ThingArguments, machine: Machine) -> Peeked:
        return Peeked(parts=parts(machine, arguments.name))
