"""The models in memory: loaded when asked for, unloaded when idle or in the way, within the memory there is.

One `Supervisor` for each model that is loaded or on its way there. Nothing runs for a model that nobody
asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from sigmavault.contract.ryzan1 import State
from sigmavault.core import residency
from sigmavault.core.errors import (
    ModelBusyError,
    ModelError,
    ModelMissingError,
    ModelRefusedError,
    ModelTimeoutError,
    NotEnoughMemoryError,
    WorkerLostError,
)
from sigmavault.core.gguf import Header
from sigmavault.core.manifest import Purpose
from sigmavault.core.residency import Admit, Evict, Refuse, Resident, Size, Weight
from sigmavault.ryzan.catalog import Catalog, Entry
from sigmavault.ryzan.config import Settings
from sigmavault.ryzan.counters import Counters
from sigmavault.ryzan.drafts import Drafts
from sigmavault.ryzan.slot import Slot
from sigmavault.ryzan.supervisor import Launch, Supervisor
from sigmavault.ryzan.vetting import Vetting, identify
from sigmavault.system import memory

_log = logging.getLogger(__name__)
_LOOK_AGAIN_S = 0.2


class Pool:
    """All local models."""

    def __init__(
        self,
        catalog: Catalog,
        vetting: Vetting,
        settings: Settings,
        pinned: Sequence[str],
        counters: Counters,
        on_change: Callable[[], None],
        states: Path | None = None,
        verdicts: Path | None = None,
    ) -> None:
        """With nothing loaded.

        Args:
            catalog: the models.
            vetting: checks their files.
            settings: sizes and limits.
            pinned: ids of models that are loaded from the beginning and stay.
            counters: counts what happens here.
            on_change: called when a model's state has changed.
            states: folder for what model processes keep on disk; None: nothing.
            verdicts: folder for what guessing was found to bring; None: it is measured at every load.
        """
        self.catalog = catalog
        self.pinned = tuple(pinned)
        self._vetting = vetting
        self._settings = settings
        self._counters = counters
        self._on_change = on_change
        self._states = states
        self._verdicts = verdicts
        self._drafts = Drafts(catalog, vetting, settings.speculation)
        self._slots: dict[str, Slot] = {}
        self._admission = asyncio.Lock()
        self._stirred = asyncio.Event()
        self._closed = False

    @contextlib.asynccontextmanager
    async def use(self, model_id: str) -> AsyncIterator[Supervisor]:
        """A model that is loaded, and stays so while it is used.

        Raises:
            UnknownModelError: no such model.
            ModelError: it cannot be loaded, or not in time, or too many wait for it.
        """
        slot = self._slot(model_id)
        if slot.requests >= self._settings.limits.requests:
            self._counters.refused_busy += 1
            raise ModelBusyError(f"{slot.requests} requests are waiting already", retry_after_s=5)
        slot.holds += 1
        slot.dismissed = False
        try:
            yield await self._ready(slot)
        finally:
            slot.holds -= 1
            slot.used = time.monotonic()
            self._stir()

    async def load(self, model_id: str) -> None:
        """Load a model, also one whose file was refused before.

        Raises:
            UnknownModelError: no such model.
            ModelError: it cannot be loaded.
        """
        self._slot(model_id).refused = None
        async with self.use(model_id):
            pass

    async def unload(self, model_id: str) -> None:
        """End a model's process.

        Raises:
            UnknownModelError: no such model.
            ModelBusyError: it is answering, or being loaded.
        """
        slot = self._slot(model_id)
        if slot.busy:
            raise ModelBusyError(f"model {model_id} is busy", retry_after_s=5)
        slot.dismissed = True
        await self._end(slot)

    def slot(self, model_id: str) -> Slot | None:
        """What is known of a model; None when nobody has asked for it yet."""
        return self._slots.get(model_id)

    def needs(self) -> dict[str, int]:
        """Bytes that are set aside for each model."""
        return {name: slot.need for name, slot in self._slots.items() if slot.need}

    def state(self, entry: Entry) -> tuple[State, str]:
        """The state of a model, and why it is not ready."""
        slot = self._slots.get(entry.id)
        if slot and slot.supervisor:
            return slot.supervisor.state, slot.supervisor.reason
        if slot and slot.loading:
            return State.LOADING, ""
        if self.catalog.locate(entry) is None:
            trouble = self.catalog.trouble()
            return (State.FAILED, trouble) if trouble else (State.NO_MODEL, _absent(entry))
        if slot and slot.failure:
            return State.FAILED, slot.failure.message
        return State.UNLOADED, ""

    @property
    def restarts(self) -> int:
        """Of the processes of the models that are loaded now."""
        return sum(slot.supervisor.restarts for slot in self._slots.values() if slot.supervisor)

    async def keep(self) -> None:
        """Load what is pinned and unload what is idle, until cancelled."""
        while True:
            self._stirred.clear()
            complete = [await self._keep_pinned(model_id) for model_id in self.pinned]
            pause = await self._unload_idle()
            if not all(complete):
                pause = min(pause, self._settings.limits.look_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), pause)

    async def close(self) -> None:
        """End all processes; none is started any more."""
        self._closed = True
        for slot in self._slots.values():
            if slot.loading:
                slot.loading.cancel()
        await asyncio.gather(*(self._end(slot) for slot in self._slots.values()))

    async def _keep_pinned(self, model_id: str) -> bool:
        """Whether the model is there, or nothing can be done about it before somebody asks."""
        slot = self._slot(model_id)
        if slot.dismissed or (slot.supervisor and slot.supervisor.state is not State.FAILED):
            return True
        before = slot.failure.message if slot.failure else ""
        try:
            self._find(slot)  # first: what was tried before and failed costs nothing, and counts as nothing
            await self._shared_load(slot)
        except ModelError as error:
            slot.failure = error
            if before != error.message:
                _log.warning("model %s: %s", model_id, error)
                self._on_change()
            return False
        return True

    async def _unload_idle(self) -> float:
        """Unload what nobody asked for in a while; seconds until the next one may be due."""
        keep_alive, now = self._settings.models.keep_alive_s, time.monotonic()
        due = [
            (slot.idle_since + keep_alive - now, slot)
            for slot in self._slots.values()
            if slot.supervisor and not slot.busy and slot.entry.id not in self.pinned
        ]
        for left, slot in due:
            if left <= 0 and not slot.busy:  # others have come while one was ended
                _log.info("model %s: nobody asked for %.0f s: unloaded", slot.entry.id, keep_alive)
                self._counters.idle_unloads += 1
                await self._end(slot)
        return min((left for left, _ in due if left > 0), default=3600.0)

    def _slot(self, model_id: str) -> Slot:
        slot = self._slots.get(model_id)
        if slot is None or (slot.supervisor is None and slot.loading is None):
            entry = self.catalog.find(model_id)  # a file put here by hand may be another one by now
            if slot is None:
                slot = self._slots[model_id] = Slot(entry)
            slot.entry = entry
        return slot

    def _stir(self) -> None:
        self._stirred.set()

    def _changed(self) -> None:
        self._stir()
        self._on_change()

    async def _ready(self, slot: Slot) -> Supervisor:
        try:
            async with asyncio.timeout(self._settings.limits.load_wait_s):
                supervisor = await self._shared_load(slot)
                await supervisor.ready()
                return supervisor
        except TimeoutError as error:
            raise ModelTimeoutError(f"model {slot.entry.id} is not loaded yet") from error

    async def _shared_load(self, slot: Slot) -> Supervisor:
        """The model's supervisor; whoever comes while it is being loaded waits for the same load."""
        if slot.supervisor and slot.supervisor.state is not State.FAILED:
            return slot.supervisor
        if self._closed:
            raise WorkerLostError("the service is being stopped")
        if slot.loading is None:
            slot.loading = asyncio.create_task(self._load(slot), name=f"load {slot.entry.id}")
            slot.loading.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._changed()
        # shielded: a caller that hangs up does not take the load from the others
        return await asyncio.shield(slot.loading)

    async def _load(self, slot: Slot) -> Supervisor:
        file = None
        try:
            if slot.supervisor:
                await self._end(slot)
            file = self._find(slot)
            header = await asyncio.to_thread(self._vetting.check, file, slot.entry.expected)
            size = await self._admit(slot, header, file)
            draft = await self._add_draft(slot, size)
            supervisor = await self._launch(slot, file, size, draft)
        except ModelError as error:
            slot.failure, slot.need = error, 0
            self._counters.load_failures += 1
            if isinstance(error, NotEnoughMemoryError):
                self._counters.refused_memory += 1
            if isinstance(error, ModelRefusedError) and file:
                slot.refused = identify(file)
            raise
        except BaseException:
            slot.need = 0
            raise
        finally:
            slot.loading = None
            self._changed()
        slot.failure = None
        self._counters.loads += 1
        return supervisor

    def _find(self, slot: Slot) -> Path:
        file = self.catalog.locate(slot.entry)
        if file is None:
            raise ModelMissingError(self.catalog.trouble() or f"model {slot.entry.id}: {_absent(slot.entry)}")
        if slot.failure and slot.refused is not None and slot.refused == identify(file):
            raise ModelRefusedError(slot.failure.message)
        return file

    async def _add_draft(self, slot: Slot, size: Size) -> Path | None:
        """The model that may guess for another one, if there is memory to spare for it, set aside."""
        draft = await asyncio.to_thread(self._drafts.find, slot.entry)
        if draft is None:
            return None
        need = draft.need(size.context)
        free = residency.room(memory.read_memory(), self._budget, self._residents(but=slot)) - size.need
        if need > free:
            _log.info("model %s: no memory to spare for a draft model", slot.entry.id)
            return None
        slot.need += need
        return draft.file

    async def _launch(self, slot: Slot, file: Path, size: Size, draft: Path | None) -> Supervisor:
        launch = Launch(
            model=slot.entry.id, file=file, size=size,
            embedding=Purpose.EMBEDDING in slot.entry.purpose, states=self._states,
            states_bytes=self._settings.reuse.disk_bytes, draft=draft, verdicts=self._verdicts,
            speculation=self._settings.speculation.mode,
        )  # fmt: skip
        supervisor = Supervisor(launch, self._settings.limits, self._changed, self._stir)
        supervisor.start()
        try:
            while supervisor.state is not State.READY:
                if supervisor.failure:
                    raise supervisor.failure
                await supervisor.wait_change()
        except BaseException:
            await supervisor.stop()
            raise
        slot.supervisor = supervisor
        return supervisor

    async def _admit(self, slot: Slot, header: Header, file: Path) -> Size:
        """Make room for a model and set it aside.

        Raises:
            NotEnoughMemoryError: there is too little beside what must stay, or what is busy.
        """
        weight = Weight(
            file=file.stat().st_size,
            context=slot.entry.context,
            kv_per_token=slot.entry.kv_per_token
            if slot.entry.kv_per_token is not None
            else header.kv_bytes_per_token,
            measured=slot.entry.measured,
        )
        end = time.monotonic() + self._settings.limits.load_wait_s
        while True:
            async with self._admission:
                verdict = await self._make_room(slot, weight)
            if isinstance(verdict, Size):
                slot.need = verdict.need
                return verdict
            left = end - time.monotonic()
            if isinstance(verdict, Refuse) or left <= 0:
                raise NotEnoughMemoryError(
                    f"not enough memory for model {slot.entry.id}: {verdict.reason}",
                    hint="zfs_arc_max may be lowered, or another model unpinned",
                )
            # an answer may end, or somebody else's memory become free
            await asyncio.sleep(min(left, _LOOK_AGAIN_S))

    async def _make_room(self, slot: Slot, weight: Weight) -> Size | residency.Wait | Refuse:
        """The size that fits, after those that must go are gone; or why none does."""
        wanted = self._settings.limits.context_tokens, self._settings.reuse.ram_bytes
        while True:
            residents = self._residents(but=slot)
            now, budget = memory.read_memory(), self._budget
            free = residency.room(now, budget, residents) + sum(
                each.need for each in residents if not each.busy and not each.pinned
            )
            size = residency.choose_size(weight, context=wanted[0], reuse=wanted[1], free=free)
            verdict = residency.decide(size.need, now, budget, residents)
            match verdict:
                case Admit():
                    slot.need = size.need
                    return size
                case Evict():
                    leaving = (each for each in verdict.ids if not self._slots[each].busy)
                    for each in leaving:
                        _log.info("model %s is unloaded: %s needs its memory", each, slot.entry.id)
                        self._counters.evictions += 1
                        await self._end(self._slots[each])
                case _:
                    return verdict

    @property
    def _budget(self) -> residency.Budget:
        told = self._settings.memory
        return residency.Budget(
            available_percent=told.available_percent, most=told.budget_bytes, reserve=told.reserve_bytes
        )

    def _residents(self, *, but: Slot) -> list[Resident]:
        return [
            Resident(
                id=slot.entry.id,
                need=slot.need,
                held=memory.held_bytes(slot.supervisor.pid) if slot.supervisor and slot.supervisor.pid else 0,
                used=slot.idle_since,
                busy=slot.busy,
                pinned=slot.entry.id in self.pinned,
            )
            for slot in self._slots.values()
            if slot.need and slot is not but
        ]

    async def _end(self, slot: Slot) -> None:
        """End the model's process and give back what was set aside for it."""
        supervisor, slot.supervisor = slot.supervisor, None
        if supervisor:
            self._counters.restarts += supervisor.restarts
            await supervisor.stop()
        if slot.loading is None:
            slot.need = 0
        self._changed()


def _absent(entry: Entry) -> str:
    return f"{entry.file} is not on this machine"
