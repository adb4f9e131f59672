"""A plan: what an operation would do, to which objects, and what would be lost. Pure.

Two plans with the same digest do the same to the same objects: that is what a person agrees to, and what is
compared before anything happens. What changes by itself from second to second (free space, temperatures) must
stay out of everything but `notes`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

type Kind = Literal[
    "disk", "pool", "dataset", "snapshot", "share", "user", "group", "service", "machine", "file"
]


class Value(BaseModel):
    """A part of an answer or of a plan; it does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoAnswer(Value):
    """There is nothing to tell but that it worked."""


class Step(Value):
    """One thing that is done.

    Attributes:
        text: what it does, as a sentence for people, with the names of the objects.
        argv: the exact command; empty where the daemon does it itself (a file that it writes).
        secret: name of the secret that the command reads from its input; empty for none.
        timeout_s: the command is ended after this many seconds.
    """

    text: str
    argv: tuple[str, ...] = ()
    secret: str = ""
    timeout_s: float = 60.0


class Target(Value):
    """An object that the plan touches, by an identity that outlives names.

    Attributes:
        kind: what it is.
        name: how people call it: `tank`, a by-id name.
        identity: GUID of a pool or dataset, serial of a disk; what must still be the same when it is done.
        facts: what helps people to recognise it: model, size, place.
    """

    kind: Kind
    name: str
    identity: str
    facts: dict[str, str] = {}


class Plan(Value):
    """What would happen.

    Attributes:
        operation: its name, `pool.create`.
        arguments: as they were asked, defaults filled in.
        summary: one sentence for people: what happens to which object.
        steps: in order.
        targets: every object that is touched.
        losses: what would be lost for good, a sentence each; empty for none.
        warnings: what a careful person would say before, a sentence each.
        dry_run: what the tool itself says it would do (`zpool create -n`); empty where it has no such way.
        confirmation: what must be typed; empty when a yes is enough.
        secrets: names of the secrets that have to come along: see `Change.secrets`.
        gives: names of those that are given to the caller: see `Change.gives`.
        locks: objects that nobody else may change meanwhile: `pool:tank`, `disk:SERIAL`.
        facts: what else the plan rests on; compared before it is done.
        notes: what may change without changing the plan.
        is_simulated: nothing here is real.
    """

    operation: str
    arguments: dict[str, JsonValue]
    summary: str
    steps: tuple[Step, ...]
    targets: tuple[Target, ...]
    losses: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    dry_run: str = ""
    confirmation: str = ""
    secrets: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    facts: dict[str, JsonValue] = {}
    notes: tuple[str, ...] = ()
    is_simulated: bool = False

    def digest(self) -> str:
        """SHA-256 of all but the notes, in hexadecimal."""
        held = self.model_dump(mode="json", exclude={"notes"})
        return hashlib.sha256(canonical(held).encode()).hexdigest()


_SEPARATORS: Final = (",", ":")


def canonical(value: JsonValue) -> str:
    """JSON in the one way that is hashed: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=_SEPARATORS, ensure_ascii=True, allow_nan=False)


def differences(old: Plan, new: Plan) -> tuple[str, ...]:
    """Names of the parts in which two plans differ."""
    names = (name for name in Plan.model_fields if name != "notes")
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))
