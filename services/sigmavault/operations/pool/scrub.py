"""`pool.scrub`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Positional, Risk, Step
from sigmavault.core.storage.pools import Pool, ScanKind, ScanState
from sigmavault.operations.pool.shown import PoolView, view
from sigmavault.operations.pool.touched import PoolArguments, pool_target, require_usable, still_there
from sigmavault.system import zpool


class Order(StrEnum):
    """What the scrub shall do."""

    START = "start"
    """Begin, or go on after a pause."""
    PAUSE = "pause"
    STOP = "stop"


class ScrubArguments(PoolArguments):
    """Which pool, and what."""

    order: Annotated[Order, Positional()] = Field(
        default=Order.START, description="begin (or go on), pause, or stop", examples=["pause"]
    )


_OPTIONS: Final = {Order.START: (), Order.PAUSE: ("-p",), Order.STOP: ("-s",)}
_SENTENCES: Final = {
    Order.START: "Read all data of {} and repair what does not match its checksum",
    Order.PAUSE: "Pause the scrub of {}",
    Order.STOP: "Stop the scrub of {}",
}


class ScrubPool(Change[ScrubArguments, PoolView]):
    """Check all data of a pool. It goes on by itself: `pool.show` tells how far it is."""

    name = "pool.scrub"
    summary = "Check all data of a pool against its checksums, pause or stop that"
    risk = Risk.CHANGE
    examples = ("pool scrub tank", "pool scrub tank pause")

    def plan(self, arguments: ScrubArguments, machine: Machine) -> Plan:
        """Zpool says yes to a pause of nothing: what runs is looked at here."""
        pool = zpool.pool(machine, arguments.name)
        require_usable(pool)
        _refuse(pool, arguments.order)
        sentence = _SENTENCES[arguments.order].format(pool.name)
        argv = ("zpool", "scrub", *_OPTIONS[arguments.order], "--", pool.name)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=sentence,
            steps=(Step(text=sentence, argv=argv),), targets=(pool_target(pool),),
            locks=(f"pool:{pool.name}",), facts={"scan": _scan(pool)},
        )  # fmt: skip

    def answer(self, arguments: ScrubArguments, machine: Machine) -> PoolView:
        """The pool, with its scrub."""
        return view(zpool.pool(machine, arguments.name), machine.now())

    def outcome(self, arguments: ScrubArguments, plan: Plan, machine: Machine) -> Outcome:
        """The scan is not as the plan found it: it was done. A scrub that began and ended looks the same."""
        pool = still_there(machine, plan.targets[0])
        if pool is None:
            return Outcome.UNKNOWN
        return Outcome.FAILED if _scan(pool) == plan.facts["scan"] else Outcome.FINISHED


def _scan(pool: Pool) -> str:
    scan = pool.scan
    return f"{scan.kind} {scan.state} since {scan.started}" if scan else "never"


def _refuse(pool: Pool, order: Order) -> None:
    scan = pool.scan
    running = scan is not None and scan.is_running
    paused = scan is not None and scan.state is ScanState.PAUSED
    if running and scan is not None and scan.kind is ScanKind.RESILVER:
        raise OperationError(
            f"{pool.name} is resilvering: that reads all data as well, and comes first",
            hint=f"`sigmavault pool show {pool.name}` tells how far it is",
        )
    if order is Order.START and running:
        raise OperationError(f"{pool.name} is being scrubbed already")
    if (order is Order.PAUSE and not running) or (order is Order.STOP and not running and not paused):
        raise OperationError(f"no scrub of {pool.name} is running")
