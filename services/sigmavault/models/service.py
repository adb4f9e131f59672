"""The queue at work: one download at a time, what comes between, and where the files go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from sigmavault.core.downloads.mirrors import FolderCandidate, require_candidates
from sigmavault.core.downloads.places import BOOT_DISK, Place, choose_place
from sigmavault.core.downloads.queue import Download, DownloadState
from sigmavault.core.downloads.space import require_room
from sigmavault.core.errors import OperationError, ServiceUnavailableError, SigmaVaultError, UnknownModelError
from sigmavault.core.manifest import Manifest, Model
from sigmavault.models.config import read_sources, way_out
from sigmavault.models.running import Running
from sigmavault.models.shelf import Shelf, room
from sigmavault.models.store import Store
from sigmavault.system import part_file
from sigmavault.system.fetch import StoppedError, Way
from sigmavault.system.transfer import Transfer

_TICK_S: Final = 0.5
_TELL_S: Final = 1.0
_LOOK_S: Final = 5.0
"""How often it is looked for what a download waits for: file serving, a place."""
_MOVE_S: Final = 30.0
"""How often a dataset is looked for while models lie on the boot disk."""

_log = logging.getLogger(__name__)


class Outside(Protocol):
    """What other daemons know."""

    async def datasets(self) -> tuple[Place, ...]:
        """The mounted datasets for models."""

    async def busy(self) -> str:
        """Why file serving needs the machine now; empty when it does not."""


class Downloads:
    """All downloads. Made in the loop that runs it."""

    def __init__(
        self, manifest: Manifest, shelf: Shelf, store: Store, outside: Outside,
        tell: Callable[[Download], None],
    ) -> None:  # fmt: skip
        """`tell` hears of a download that has changed, at most once a second while only bytes come."""
        self._manifest, self._shelf, self._store, self._outside = manifest, shelf, store, outside
        self._tell = tell
        self.queue = store.read()
        self._running: dict[str, Running] = {}
        self._wishes: dict[str, DownloadState | None] = {}
        """What a transfer that was stopped becomes; None: it goes."""
        self._folders: set[Path] = set()
        """Where parts may lie, beside our own folder."""
        self._last_place: tuple[float, Place | None] = 0.0, None
        self._moving: Running | None = None
        self._move_again_at = 0.0
        self._wake = asyncio.Event()
        self._idle_since = time.monotonic()

    async def add(self, model_id: str) -> Download:
        """Ask for a model.

        Raises:
            UnknownModelError: there is none of this name.
            OperationError: it cannot be downloaded, has no place, or does not fit there.
        """
        model = self.model(model_id)
        if model.needs.unsupported:
            raise OperationError(f"{model.id} cannot be used: {model.needs.unsupported}")
        if model.size is None or model.sha256 is None:
            raise OperationError(f"{model.id} cannot be downloaded: {model.why_not_offered}")
        if self._shelf.find(model):
            done = Download(id=model.id, size=model.size, bytes=model.size, state=DownloadState.DONE)
            return self._put(done)
        require_candidates(model, read_sources())
        self._require_room(model, await self.place())
        added = self.queue.add(model.id, model.size)
        self._changed(added)
        return added

    def pause(self, model_id: str) -> None:
        """Keep what has come, and wait for `resume`."""
        download = self.queue.find(model_id)
        if model_id in self._running:
            self._stop(model_id, DownloadState.PAUSED)
        elif download.state is not DownloadState.PAUSED:
            self._put(download.to(DownloadState.PAUSED))

    def resume(self, model_id: str) -> None:
        """Go on."""
        download = self.queue.find(model_id)
        if not download.is_open:
            self._put(download.to(DownloadState.QUEUED))

    def cancel(self, model_id: str) -> None:
        """Forget a download, and what has come of it."""
        self.queue.find(model_id)
        if model_id in self._running:
            self._stop(model_id, None)
        else:
            self._forget(model_id)

    def remove(self, model_id: str) -> None:
        """Remove a model from this machine.

        Raises:
            OperationError: it is not here, not ours, or just being downloaded.
        """
        model = self.model(model_id)
        if (found := self.queue.get(model_id)) is not None and found.state is not DownloadState.DONE:
            raise OperationError(
                f"{model_id} is being downloaded", f"`sigmavault model cancel {model_id}` ends that"
            )
        self._shelf.remove(model)
        self.queue.remove(model_id)
        self._changed()

    def allow_boot_disk(self, *, allowed: bool) -> None:
        """Agree to models on the boot disk while there is no dataset for them, or do so no more."""
        self._move_again_at = 0.0
        self._last_place = 0.0, None
        self._store.allow_boot_disk(allowed=allowed)
        self._changed()

    @property
    def boot_disk_allowed(self) -> bool:
        """Whether somebody has agreed to that."""
        return self._store.boot_disk_allowed

    async def place(self) -> Place:
        """Where models go now.

        Raises:
            NoPlaceError: nowhere.
            ServiceUnavailableError: the host daemon does not tell.
        """
        datasets = await self._outside.datasets()
        self._folders |= {Path(each.path) for each in datasets}
        if datasets and self._shelf.on_the_boot_disk(self._manifest.models):
            self._move_again_at = 0.0
            self._wake.set()
        found = choose_place(datasets, str(self._shelf.ours), boot_disk_allowed=self._store.boot_disk_allowed)
        self._last_place = time.monotonic(), found
        return found

    async def _place_of_late(self) -> Place:
        """The same; who has just asked for a download has asked for the place too."""
        at, found = self._last_place
        if found is not None and time.monotonic() - at < _LOOK_S:
            return found
        return await self.place()

    def model(self, model_id: str) -> Model:
        """A model of the manifest.

        Raises:
            UnknownModelError: there is none of this name.
        """
        return self._manifest.find(model_id)

    def models(self) -> list[tuple[Model, bool]]:
        """All models, and whether each is here."""
        return [(each, self._shelf.find(each) is not None) for each in self._manifest.models]

    def running(self, model_id: str) -> Running | None:
        """The figures of a transfer; None while it does not run."""
        return self._running.get(model_id)

    @property
    def idle_s(self) -> float:
        """For how long nothing was asked, and nothing goes on by itself."""
        if self._running or self._moving or not self.queue.is_at_rest:
            self.touch()
        return time.monotonic() - self._idle_since

    def touch(self) -> None:
        """Somebody asks something."""
        self._idle_since = time.monotonic()

    async def run(self) -> None:
        """Work until cancelled; what runs then goes on at the next start."""
        while True:
            self._wake.clear()
            await self._move_to_datasets()
            download = self.queue.next()
            if download is None or not await self._work(download):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._wake.wait()

    async def _work(self, download: Download) -> bool:
        """Whether something was done; else it is looked again in a while."""
        try:
            model = self.model(download.id)
            sources = read_sources()
            if sources.pause_while_busy and (why := await self._outside.busy()):
                return self._waits(download, why)
            place = await self._place_of_late()
            self._require_room(model, place)
            transfer = Transfer(
                model=model, folder=Path(place.path), candidates=require_candidates(model, sources),
                way=way_out(sources), limit=sources.limit,
            )  # fmt: skip
        except ServiceUnavailableError as error:
            return self._waits(download, error.message)
        except SigmaVaultError as error:
            self._put(download.to(DownloadState.FAILED, _spelled(error)))
            return True
        self._put(download.to(DownloadState.RUNNING))
        await self._fetch(model, transfer, pause_while_busy=sources.pause_while_busy)
        return True

    def _waits(self, download: Download, why: str) -> bool:
        if download.reason != why:
            self._put(download.model_copy(update={"reason": why}))
        return False

    async def _fetch(self, model: Model, transfer: Transfer, *, pause_while_busy: bool) -> None:
        here = part_file.bytes_there(transfer.folder, model)
        running = self._running[model.id] = Running(transfer, here, lambda: self._follow(model.id))
        watch = asyncio.create_task(self._watch(model.id, running, pause_while_busy=pause_while_busy))
        try:
            file = await running.run()
            self._shelf.show(file)
            if transfer.folder != self._shelf.ours:  # it may have begun there, before there was a dataset
                part_file.discard(self._shelf.ours, model.file)
            self._end(model.id, DownloadState.DONE)
        except StoppedError:
            wish = self._wishes.get(model.id, DownloadState.QUEUED)
            if wish is None:
                self._forget(model.id)
            else:
                self._end(model.id, wish)
        except SigmaVaultError as error:
            self._end(model.id, DownloadState.FAILED, _spelled(error))
        except OSError as error:
            self._end(model.id, DownloadState.FAILED, f"{transfer.folder}: {error.strerror}")
        finally:
            watch.cancel()
            self._running.pop(model.id, None)
            self._wishes.pop(model.id, None)

    def _end(self, model_id: str, state: DownloadState, reason: str = "") -> None:
        running = self._running.pop(model_id)
        download = self._current(self.queue.find(model_id), running)
        if state is DownloadState.DONE and download.state is not DownloadState.VERIFYING:
            download = download.to(DownloadState.VERIFYING)
        _log.info("%s: %s%s", model_id, state, f": {reason}" if reason else "")
        self._put(download.to(state, reason))

    def _stop(self, model_id: str, wish: DownloadState | None) -> None:
        self._wishes[model_id] = wish
        self._running[model_id].stop()

    async def _watch(self, model_id: str, running: Running, *, pause_while_busy: bool) -> None:
        told, looked = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            running.look()
            now = time.monotonic()
            if now - told >= _TELL_S:
                told = now
                self._follow(model_id)
            if pause_while_busy and now - looked >= _LOOK_S:
                looked = now
                if await self._outside.busy():
                    running.stop()  # it goes on from the queue, when it may

    def _follow(self, model_id: str) -> None:
        """The queue's value of a download that runs, and the signal."""
        running, download = self._running.get(model_id), self.queue.get(model_id)
        if running is not None and download is not None:
            self._tell(self.queue.put(self._current(download, running)))

    @staticmethod
    def _current(download: Download, running: Running) -> Download:
        state = DownloadState.VERIFYING if running.is_verifying else DownloadState.RUNNING
        if download.state is not state:
            download = download.to(state)
        told = {"bytes": running.bytes, "reason": running.reason, "source": running.source or download.source}
        return download.model_copy(update=told)

    def _require_room(self, model: Model, place: Place) -> None:
        missing = (model.size or 0) - part_file.bytes_there(Path(place.path), model)
        require_room(model.id, missing, room(place), place.name)

    def _forget(self, model_id: str) -> None:
        gone = self.queue.find(model_id)
        with contextlib.suppress(UnknownModelError):
            self._discard(self.model(model_id))
        self.queue.remove(model_id)
        _log.info("%s: cancelled", model_id)
        self._changed()
        self._tell(gone.model_copy(update={"state": DownloadState.FAILED, "reason": "cancelled", "bytes": 0}))

    def _discard(self, model: Model) -> None:
        for folder in {self._shelf.ours, *self._folders}:
            part_file.discard(folder, model.file)

    def _put(self, download: Download) -> Download:
        self._changed(self.queue.put(download))
        return download

    def _changed(self, download: Download | None = None) -> None:
        self.touch()
        self._store.write(self.queue)
        self._wake.set()
        if download is not None:
            self._tell(download)

    async def _move_to_datasets(self) -> None:
        """Models that lie on the boot disk go to a dataset once there is one."""
        misplaced = self._shelf.on_the_boot_disk(self._manifest.models)
        now = time.monotonic()
        if not misplaced or now < self._move_again_at:
            return
        self._move_again_at = now + _MOVE_S
        try:
            datasets = await self._outside.datasets()
        except ServiceUnavailableError:
            return
        for place in datasets[:1]:
            for model in misplaced:
                await self._move(model, place)

    async def _move(self, model: Model, place: Place) -> None:
        source = FolderCandidate(name=BOOT_DISK, folder=str(self._shelf.ours), file=model.file)
        transfer = Transfer(model=model, folder=Path(place.path), candidates=(source,), way=Way())
        try:
            self._require_room(model, place)
            _log.info("%s: moves to %s", model.id, place.name)
            self._moving = Running(transfer, 0, lambda: None)
            self._shelf.show(await self._moving.run())
        except SigmaVaultError as error:
            _log.warning("%s stays on the boot disk: %s", model.id, error.message)
        finally:
            self._moving = None


def _spelled(error: SigmaVaultError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message
