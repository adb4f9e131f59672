"""A status as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain_line
from sigmavault.cli.status import LoadedModel, Model, Status
from sigmavault.contract.ryzan1 import State
from sigmavault.core.values import format_bytes
from sigmavault.core.zfs_module import ZfsState


def render_status(status: Status, paint: Paint) -> str:
    """All of a status, a heading and indented lines for each part."""
    lines = [f"SigmaVault {status.version}"]
    for heading, body in (
        ("ZFS", _zfs(status, paint)),
        ("Pools", _pools(status, paint)),
        ("Model", _model(status.model, paint)),
        ("Budgets", _budgets(status, paint)),
        ("Services", _units(status, paint)),
        ("Attention", (paint.bad(plain_line(problem)) for problem in status.problems())),
        ("Could not be read", (paint.bad(plain_line(each)) for each in status.unread)),
    ):
        texts = list(body)
        if texts:
            lines += ["", heading, *(f"  {text}" for text in texts)]
    return "\n".join(lines) + "\n"


def _zfs(status: Status, paint: Paint) -> Iterator[str]:
    loaded = status.zfs.state is ZfsState.LOADED
    yield "module       " + paint.mark(status.zfs.state, good=loaded)
    yield "Secure Boot  " + ("on" if status.secure_boot else "off")
    if not loaded:
        yield status.zfs.reason
        yield from (f"  {step}" for step in status.zfs.steps)


def _pools(status: Status, paint: Paint) -> Iterator[str]:
    for pool in status.pools:
        health = paint.mark(pool.health, good=pool.health == "ONLINE")
        free, size = format_bytes(pool.free_bytes), format_bytes(pool.size_bytes)
        yield f"{pool.name:12} {health}  {free} of {size} free"
    if not status.pools and status.zfs.state is ZfsState.LOADED:
        yield paint.dim("none")


def _model(model: Model, paint: Paint) -> Iterator[str]:
    yield "state        " + paint.mark(
        plain_line(model.state), good=model.state in (State.READY, State.UNLOADED)
    )
    if model.name:
        yield f"default      {plain_line(model.name)}"
    if model.tier:
        yield f"tier         {plain_line(model.tier)}"
    if model.memory_bytes:
        yield f"memory       {format_bytes(model.memory_bytes)} in all"
    if model.quota_cpus:
        yield f"quota        {model.quota_cpus:g} CPUs"
    if model.active_requests:
        yield f"requests     {model.active_requests}"
    if model.answers_off:
        yield f"answers      not kept: {plain_line(model.answers_off)}"
    elif model.answers_kept:
        yield f"answers      {model.answers_kept} kept, {format_bytes(model.answers_bytes)}"
    for each in model.loaded:
        yield "loaded       " + plain_line(_loaded(each))


def _loaded(model: LoadedModel) -> str:
    if not model.threads:
        return f"{model.id}: answered for by {model.backend}"
    plural = "s" if model.threads != 1 else ""
    why = f" ({model.threads_reason})" if model.threads_reason else ""
    speed = f", {model.tokens_per_second:.1f} tokens/s" if model.tokens_per_second else ""
    return f"{model.id}: {format_bytes(model.memory_bytes)}, {model.threads} thread{plural}{why}{speed}"


def _budgets(status: Status, paint: Paint) -> Iterator[str]:
    if not status.budgets:
        yield paint.bad("not computed")
        return
    machine, budget = status.budgets["machine"], status.budgets["budget"]
    yield f"machine      {machine['cpus']} CPUs, {format_bytes(machine['memory_bytes'])}"
    memory = format_bytes(budget["memory_max_bytes"])
    yield f"model        {budget['cpu_quota_percent']} % of one CPU, {memory}"
    yield f"ARC          {format_bytes(budget['arc_max_bytes'])}"


def _units(status: Status, paint: Paint) -> Iterator[str]:
    for unit in status.units:
        state = f"{unit.active} ({unit.sub})" if unit.load == "loaded" else unit.load
        yield f"{unit.name:32} " + paint.mark(state, good=unit.active != "failed")
