"""From what a machine is to what a person wishes: the steps, in order. Pure.

The plan is a function of the answers and of a look at the machine. So it is the same after a power cut as it
would have been without one: what is there already is `DONE`, and only the rest has to be done.

A step is an operation of the host daemon with its arguments, or the download of a model. It has one id for
ever; a journal and a screen know it by that.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from sigmavault.core.network import Method
from sigmavault.core.setup.answers import (
    MODELS_DATASET,
    Administrator,
    Answers,
    NewPool,
    SharedFolder,
)
from sigmavault.core.setup.state import MachineState, NetworkState
from sigmavault.core.sharing.accounts import EVERYBODY
from sigmavault.core.storage.presets import Preset

DOWNLOAD: Final = "model.download"
"""Stands where an operation stands: the model daemon's `Download`."""
ADMINISTRATOR_PASSWORD: Final = "administrator.password"  # noqa: S105 - the place of a secret, and none itself


class StepState(StrEnum):
    """How far a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    """It has been done now."""
    THERE = "there"
    """It was so already; nothing was done."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Something that it needs is not there."""

    @property
    def is_settled(self) -> bool:
        """Whether the machine is as the step wants it."""
        return self in (StepState.DONE, StepState.THERE)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it in this run."""
        return self not in (StepState.WAITING, StepState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupStep:
    """One step.

    Attributes:
        id: `host-name`, `pool`, `share:photos`, …; it stays the same.
        title: what it does, as a sentence for people.
        operation: `pool.create`, …, or `DOWNLOAD`.
        arguments: of the operation.
        secrets: what the operation calls a secret → where the answers have it.
        needs: ids of the steps without which this one cannot be done.
        is_destructive: data is lost for good by it.
        confirmation: what has to be typed for that; empty when a yes is enough.
        state: how far it is.
        reason: why it failed or was skipped, or what is there already; empty otherwise.
    """

    id: str
    title: str
    operation: str
    arguments: Mapping[str, JsonValue] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    is_destructive: bool = False
    confirmation: str = ""
    state: StepState = StepState.WAITING
    reason: str = ""

    @property
    def command(self) -> str:
        """The same by hand: a line for a shell, without secrets."""
        words = ["sigmavault", *self.operation.split(".")]
        for key, value in self.arguments.items():
            words += _words(key, value)
        return shlex.join(words)

    def now(self, state: StepState, reason: str = "") -> SetupStep:
        """The same step, one state further."""
        return replace(self, state=state, reason=reason)


_BY_PLACE: Final = frozenset({"name", "layout", "disks", "dataset", "id", "method"})


def _words(key: str, value: JsonValue) -> list[str]:
    values = [str(each) for each in value] if isinstance(value, list) else [str(value)]
    if key in _BY_PLACE:
        return values
    option = f"--{key.replace('_', '-')}"
    if isinstance(value, bool):
        return [option] if value else []
    return [option, *values] if values else []


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPlan:
    """All steps, in order."""

    steps: tuple[SetupStep, ...]

    @property
    def confirmation(self) -> str:
        """What a person must type before anything is done; empty when a yes is enough."""
        return next((each.confirmation for each in self.steps if each.confirmation and _is_open(each)), "")

    @property
    def losses(self) -> tuple[str, ...]:
        """What is lost for good, a sentence each."""
        return tuple(each.title for each in self.losing)

    @property
    def losing(self) -> tuple[SetupStep, ...]:
        """The steps by which data is lost for good."""
        return tuple(each for each in self.steps if each.is_destructive and _is_open(each))

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it in this run."""
        return all(each.state.is_over for each in self.steps)

    @property
    def is_settled(self) -> bool:
        """Whether the machine is as it was wished."""
        return all(each.state.is_settled for each in self.steps)

    def step(self, step_id: str) -> SetupStep:
        """The step of an id.

        Raises:
            KeyError: there is none.
        """
        for each in self.steps:
            if each.id == step_id:
                return each
        raise KeyError(step_id)

    def with_step(self, step: SetupStep) -> SetupPlan:
        """With one step in the place of the one of its id."""
        return SetupPlan(steps=tuple(step if each.id == step.id else each for each in self.steps))

    def lacking(self, step: SetupStep) -> SetupStep | None:
        """The first step that one needs and that is over without being done; None when all are there."""
        needed = (self.step(each) for each in step.needs)
        return next((each for each in needed if each.state.is_over and not each.state.is_settled), None)


def _is_open(step: SetupStep) -> bool:
    return not step.state.is_settled


def plan_setup(answers: Answers, state: MachineState) -> SetupPlan:
    """What has to be done, in order.

    Args:
        answers: what is wished.
        state: a look at the machine, made just now.
    """
    steps = list(_steps(answers, state))
    known = {each.id for each in steps}
    return SetupPlan(
        steps=tuple(
            replace(each, needs=tuple(need for need in each.needs if need in known)) for each in steps
        )
    )


def _steps(answers: Answers, state: MachineState) -> Iterator[SetupStep]:
    if answers.host_name is not None:
        yield _host_name(answers.host_name, state)
    if answers.administrator is not None:
        yield _user(answers.administrator, state)
        yield _administrator(answers.administrator, state)
    if answers.time_zone is not None:
        yield _time_zone(answers.time_zone, state)
    if answers.network is not None:
        yield from _network(answers, state)
    if answers.pool is not None:
        yield _pool(answers.pool, state)
    for share in answers.shares:
        yield from _share(share, answers, state)
    yield from _models(answers, state)


def _there(step: SetupStep, *, is_there: bool) -> SetupStep:
    return step.now(StepState.THERE) if is_there else step


# --- the machine ---


def _host_name(name: str, state: MachineState) -> SetupStep:
    step = SetupStep(
        id="host-name", title=f"Call this machine {name}", operation="machine.set-hostname",
        arguments={"name": name},
    )  # fmt: skip
    return _there(step, is_there=state.host_name == name)


def _time_zone(name: str, state: MachineState) -> SetupStep:
    step = SetupStep(
        id="time-zone", title=f"Set the time zone to {name}", operation="machine.set-time-zone",
        arguments={"name": name},
    )  # fmt: skip
    return _there(step, is_there=state.time_zone == name)


def _network(answers: Answers, state: MachineState) -> Iterator[SetupStep]:
    wished = answers.network
    assert wished is not None  # noqa: S101 - as the caller saw
    port, address, gateway = wished.port or "", wished.address or "", wished.gateway or ""
    asked: dict[str, JsonValue] = {"method": wished.method.value}
    asked |= {
        key: value for key, value in (("port", port), ("address", address), ("gateway", gateway)) if value
    }
    asked |= {"name_server": list(wished.name_servers)} if wished.name_servers else {}
    title = f"Give {port} the address {address}" if port else "Take the address that the router gives"
    step = SetupStep(id="network", title=title, operation="machine.set-network", arguments=asked)
    aimed = NetworkState(
        method=wished.method, port=port, address=address, gateway=gateway, name_servers=wished.name_servers
    )
    both_dhcp = aimed.method is Method.DHCP is state.network.method
    same = both_dhcp and not aimed.name_servers and not state.network.name_servers
    yield _there(step, is_there=same or aimed == state.network)


# --- the person ---


def _user(who: Administrator, state: MachineState) -> SetupStep:
    """A login to shares. A user whom a power cut left without a password is given one."""
    has_password = state.users.get(who.name)
    step = SetupStep(
        id="user", title=f"Make the user {who.name}, with a password for shares", operation="user.create",
        arguments={"name": who.name}, secrets={"password": ADMINISTRATOR_PASSWORD},
    )  # fmt: skip
    if has_password is False:
        step = replace(step, operation="user.password", title=f"Give {who.name} a password for shares")
    return _without_secret(_there(step, is_there=bool(has_password)), who)


def _administrator(who: Administrator, state: MachineState) -> SetupStep:
    asked: dict[str, JsonValue] = {"name": who.name}
    step = SetupStep(
        id="administrator", title=f"Let {who.name} log in at the console and look after the machine",
        operation="user.make-administrator", needs=("user",),
        arguments=asked | ({"full_name": who.full_name} if who.full_name else {}),
        secrets={"password": ADMINISTRATOR_PASSWORD},
    )  # fmt: skip
    return _without_secret(_there(step, is_there=who.name in state.administrators), who)


def _without_secret(step: SetupStep, who: Administrator) -> SetupStep:
    if step.state.is_settled or who.password is not None:
        return step
    return step.now(StepState.FAILED, f"there is no password for {who.name}")


# --- storage and shares ---


def _pool(wished: NewPool, state: MachineState) -> SetupStep:
    asked: dict[str, JsonValue] = {
        "name": wished.name, "layout": wished.layout.value, "disks": list(wished.disks),
    }  # fmt: skip
    asked |= {"overwrite": list(wished.overwrite)} if wished.overwrite else {}
    asked |= {"no_redundancy": True} if wished.no_redundancy else {}
    asked |= {"uneven_sizes": True} if wished.uneven_sizes else {}
    many = f"{len(wished.disks)} disks" if len(wished.disks) > 1 else "one disk"
    lost = f"; everything on {', '.join(wished.overwrite)} is lost" if wished.overwrite else ""
    step = SetupStep(
        id="pool", title=f"Create the pool {wished.name} out of {many} ({wished.layout}){lost}",
        operation="pool.create", arguments=asked, is_destructive=bool(wished.overwrite),
        confirmation=wished.name if wished.overwrite else "",
    )  # fmt: skip
    if wished.name not in state.pools:
        return step
    if state.consists_of(wished.name, wished.disks):
        return step if wished.name in state.begun_pools else step.now(StepState.THERE)
    return step.now(StepState.FAILED, f"there is a pool {wished.name} already, of other disks")


def _share(wished: SharedFolder, answers: Answers, state: MachineState) -> Iterator[SetupStep]:
    pool = wished.pool or (answers.pool.name if answers.pool else "")
    dataset = f"{pool}/{wished.dataset}"
    asked: dict[str, JsonValue] = {"name": dataset, "preset": wished.preset.value}
    asked |= {"quota": wished.size_bytes} if wished.size_bytes else {}
    folder = SetupStep(
        id=f"dataset:{wished.name}", title=f"Make room for {wished.name} in {dataset}",
        operation="dataset.create", arguments=asked,
        needs=("pool",) if answers.pool is not None and pool == answers.pool.name else (),
    )  # fmt: skip
    yield _there(folder, is_there=dataset in state.datasets)
    step = SetupStep(
        id=f"share:{wished.name}", title=f"Share it as {wished.name}", operation="share.create",
        arguments=_share_arguments(wished, dataset, answers), needs=(folder.id, "user"),
    )  # fmt: skip
    where = state.share(wished.name)
    if where is not None and where != dataset:
        yield step.now(StepState.FAILED, f"there is a share {wished.name} already, of {where}")
    else:
        yield _there(step, is_there=where is not None)


def _share_arguments(wished: SharedFolder, dataset: str, answers: Answers) -> dict[str, JsonValue]:
    own = (answers.administrator.name,) if answers.administrator is not None else ()
    write = list(wished.write or own) + ([f"@{EVERYBODY}"] if wished.everybody == "write" else [])
    asked: dict[str, JsonValue] = {
        "name": wished.name,
        "dataset": dataset,
        "write": json.loads(json.dumps(write)),
    }
    asked |= {"read": [f"@{EVERYBODY}"]} if wished.everybody == "read" else {}
    asked |= {"time_machine": "on"} if wished.preset is Preset.TIME_MACHINE else {}
    return asked | ({"comment": wished.comment} if wished.comment else {})


# --- models ---


def _models(answers: Answers, state: MachineState) -> Iterator[SetupStep]:
    """Models lie in a pool; on the system disk only where there is none, and somebody has said so."""
    if not answers.models:
        return
    pool = answers.pool.name if answers.pool is not None else min(state.pools, default="")
    dataset = f"{pool}/{MODELS_DATASET}"
    is_elsewhere = bool(state.model_datasets - {dataset})
    has_room = bool(pool) and not is_elsewhere
    if has_room:
        room = SetupStep(
            id="dataset:models", title=f"Make room for models in {dataset}", operation="dataset.create",
            arguments={"name": dataset, "preset": Preset.MODELS.value}, needs=("pool",),
        )  # fmt: skip
        yield _there(room, is_there=dataset in state.datasets)
    for model in answers.models:
        step = SetupStep(
            id=f"model:{model}", title=f"Download the model {model}", operation=DOWNLOAD,
            arguments={"id": model}, needs=("dataset:models",) if has_room else (),
        )  # fmt: skip
        if model in state.models:
            yield step.now(StepState.THERE)
        elif pool or is_elsewhere or answers.models_on_system_disk:
            yield step
        else:
            yield step.now(
                StepState.FAILED, "there is no pool, and nobody said that the system disk may be used"
            )
