"""What this machine is and has, as a person is shown it, and what is proposed for it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict

from sigmavault.core.hardware import Hardware
from sigmavault.core.manifest import Manifest, Model
from sigmavault.core.setup.state import MachineState
from sigmavault.core.storage.topology import (
    FUZZ_BYTES,
    LIMITS,
    Group,
    Layout,
    Member,
    Topology,
    uneven,
    warnings,
)
from sigmavault.core.tiers import TierChoice, choose_tier, memory_needed, speed_ceiling
from sigmavault.core.values import format_bytes, sentence

REAL_SPEEDS: Final = (0.6, 0.95)
"""Parts of what memory bandwidth allows at most that models reach: see `core.tiers.speed_ceiling`."""
ROOM_FOR_MODELS: Final = 0.7
"""The part of memory that models may take: `budgets.model_memory_percent` of the image."""
_HAS_DATA: Final = frozenset({"has-data"})


class DiskFact(BaseModel):
    """A disk, out of the answer of `disk.list`.

    Attributes:
        name: in /dev/disk/by-id; empty when it has none.
        size_bytes: of the whole disk.
        kind: `hdd`, `ssd`, `nvme`, `usb`, `virtual`.
        use: what uses it now, in a few words.
        is_eligible: whether it may become part of a pool, as far as can be told without reading it.
        why_not: why it may not; goes on after its name.
        reasons: codes of all reasons.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    model: str = ""
    serial: str = ""
    size_bytes: int
    kind: str = "hdd"
    use: str = ""
    is_eligible: bool
    why_not: str = ""
    reasons: tuple[str, ...] = ()

    @property
    def is_overwritable(self) -> bool:
        """Whether only data that nobody uses speaks against it: a person may say that it may be lost."""
        return bool(self.reasons) and set(self.reasons) <= _HAS_DATA

    @property
    def title(self) -> str:
        """How a person recognises it: size, model, serial."""
        serial = f", serial {self.serial}" if self.serial else ""
        return f"{format_bytes(self.size_bytes)} {self.model or self.kind}{serial}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolProposal:
    """A pool that could be made.

    Attributes:
        layout: how the disks keep each other's data.
        disks: their names.
        usable_bytes: about what it holds.
        may_fail: how many disks may fail at worst without any loss.
        reason: why this, a sentence.
        sizes: what is lost because the disks are not of one size, a sentence; empty when they are. Such a
            pool is made only for who says that this is meant: `NewPool.uneven_sizes`.
        warnings: what a careful person would say, a sentence each.
    """

    layout: Layout
    disks: tuple[str, ...]
    usable_bytes: int
    may_fail: int
    reason: str
    sizes: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOffer:
    """A model, as it is offered on this machine.

    Attributes:
        id: its name for programs.
        name: its name for people.
        purposes: what it is good for, in words.
        size_bytes: of the download; None where that is not known.
        licence: SPDX identifier.
        memory_bytes: what it takes when loaded; None where that is not known.
        speed: tokens per second, from and to; None for models that write nothing, and where bandwidth was not
            measured.
        is_here: its file is on this machine already.
        is_embedded: the image carries it.
        is_proposed: what this tier proposes.
        why_not: why it cannot be downloaded, a clause; empty when it can.
        caution: what a careful person would say, a sentence; empty for nothing.
    """

    id: str
    name: str
    purposes: str
    size_bytes: int | None
    licence: str
    memory_bytes: int | None
    speed: tuple[float, float] | None
    is_here: bool
    is_embedded: bool
    is_proposed: bool
    why_not: str
    caution: str

    @property
    def facts(self) -> str:
        """Size, licence, memory and speed on one line."""
        parts = [
            format_bytes(self.size_bytes) if self.size_bytes else "size not known",
            self.licence.removeprefix("LicenseRef-"),
        ]
        parts += [f"{format_bytes(self.memory_bytes)} of memory"] if self.memory_bytes else []
        return ", ".join([*parts, *([in_words(self.speed)] if self.speed else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the pages show.

    Attributes:
        state: what is set up already.
        disks: every disk, the eligible ones first.
        proposal: the pool that is proposed; None where there is no eligible disk.
        choices: every sensible pool out of the same disks, the proposed one first.
        tier: what this machine is, with reasons; None where the list of models cannot be read.
        models: those that are offered or here, what is proposed first.
        ports: network ports that could have a fixed address.
        time_zones: that this machine knows.
        is_simulated: nothing of this is real.
    """

    state: MachineState
    disks: tuple[DiskFact, ...] = ()
    proposal: PoolProposal | None = None
    choices: tuple[PoolProposal, ...] = ()
    tier: TierChoice | None = None
    models: tuple[ModelOffer, ...] = ()
    ports: tuple[str, ...] = ()
    time_zones: tuple[str, ...] = ()
    is_simulated: bool = False


# --- pools ---


def proposed_disks(disks: Sequence[DiskFact]) -> tuple[DiskFact, ...]:
    """The eligible disks that go together: of one kind and size, as much room as possible.

    A pool of unequal disks wastes the larger ones, and one of platters and flash is as slow as the platters;
    disks on USB fall off.
    """
    usable = [each for each in disks if each.is_eligible and each.name and each.kind != "usb"]
    groups = [
        tuple(
            other for other in usable
            if other.kind == each.kind and abs(other.size_bytes - each.size_bytes) <= FUZZ_BYTES
        )
        for each in usable
    ]  # fmt: skip
    most = LIMITS[Layout.RAIDZ2].most
    return max(
        groups, key=lambda group: (len(group) > 1, sum(each.size_bytes for each in group)), default=()
    )[:most]


def pool_choices(disks: Sequence[DiskFact]) -> tuple[PoolProposal, ...]:
    """Every sensible pool of one group out of these disks, the proposed one first; empty without disks."""
    members = tuple(
        Member(name=disk.name, path=disk.name, size_bytes=disk.size_bytes, is_rotational=disk.kind == "hdd")
        for disk in disks
    )
    return tuple(_proposal(layout, members) for layout in _layouts(len(disks)))


def _layouts(count: int) -> tuple[Layout, ...]:
    """Layouts for so many disks, the proposed one first."""
    if count <= 1:
        return (Layout.STRIPE,) * count
    first = {2: Layout.MIRROR, 3: Layout.RAIDZ1}.get(count, Layout.RAIDZ2)
    others = (Layout.MIRROR, Layout.RAIDZ1, Layout.RAIDZ2, Layout.RAIDZ3)
    fitting = [each for each in others if LIMITS[each].least <= count <= LIMITS[each].most]
    wide = [each for each in fitting if each is not Layout.MIRROR or count <= 3]
    return (first, *(each for each in wide if each is not first))


_REASONS: Final = {
    Layout.STRIPE: "There is one disk only: if it fails, all data is lost.",
    Layout.MIRROR: "Each disk holds everything: the data survives while one of them works.",
    Layout.RAIDZ1: "Any one disk may fail; the room of one disk is given for that.",
    Layout.RAIDZ2: "Any two disks may fail, also while a broken one is being replaced.",
    Layout.RAIDZ3: "Any three disks may fail.",
}


def _proposal(layout: Layout, members: tuple[Member, ...]) -> PoolProposal:
    group = Group(layout=layout, members=members)
    asked = Topology(data=(group,))
    return PoolProposal(
        layout=layout, disks=tuple(each.name for each in members), usable_bytes=group.usable_bytes,
        may_fail=group.redundancy, reason=_REASONS[layout], sizes=" ".join(map(sentence, uneven([group]))),
        warnings=tuple(map(sentence, warnings(asked))),
    )  # fmt: skip


# --- models ---


def in_words(speed: tuple[float, float]) -> str:
    """A speed, so that people can compare it with their own reading, about 5 tokens per second."""
    low, high = speed
    figures = f"{low:.0f} to {high:.0f}" if high >= 10 else f"{low:.1f} to {high:.1f}"
    word = "faster than people read" if low >= 8 else "about as fast as people read" if high >= 4 else "slow"
    return f"{figures} tokens per second, {word}"


def model_offers(manifest: Manifest, hardware: Hardware, here: Collection[str]) -> tuple[ModelOffer, ...]:
    """The models that a person may choose, what this tier proposes first.

    Args:
        manifest: the known models.
        hardware: this machine, best with its bandwidth.
        here: ids of the models whose files are on this machine.
    """
    proposed = [each.model.id for each in choose_tier(hardware, manifest).models]
    offers = [_offer(each, hardware, here, proposed) for each in manifest.models if each.is_offered]
    return tuple(sorted(offers, key=lambda each: not each.is_proposed))


def _offer(model: Model, hardware: Hardware, here: Collection[str], proposed: Collection[str]) -> ModelOffer:
    memory = memory_needed(model)
    ceiling = speed_ceiling(model, hardware.bandwidth.read_bytes_s) if hardware.bandwidth else None
    low, high = REAL_SPEEDS
    return ModelOffer(
        id=model.id, name=model.name, purposes=", ".join(model.purpose), size_bytes=model.size,
        licence=model.licence, memory_bytes=memory,
        speed=(low * ceiling, high * ceiling) if ceiling else None,
        is_here=model.embedded or model.id in here, is_embedded=model.embedded,
        is_proposed=model.id in proposed and not model.embedded,
        why_not=model.why_not_offered, caution=" ".join(_cautions(model, hardware, memory)),
    )  # fmt: skip


def _cautions(model: Model, hardware: Hardware, memory: int | None) -> Iterator[str]:
    room = int(hardware.usable_memory_bytes * ROOM_FOR_MODELS)
    if memory is not None and memory > room:
        yield f"It takes more memory than models may have here ({format_bytes(room)})."
    if lacking := sorted(set(model.needs.instructions) - hardware.processor.instructions):
        yield f"The processor lacks {', '.join(lacking)}: it would be very slow."


def tier_in_words(choice: TierChoice) -> tuple[str, ...]:
    """What this machine is for models, as sentences."""
    first = f"For language models this machine counts as “{choice.tier.name}”: {choice.tier.summary}."
    return (first, *choice.reasons)
