"""`org.sigmavault.Models1`, and an object for each download."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from sdbus import (
    DbusInterfaceCommonAsync,
    DbusUnprivilegedFlag,
    SdBus,
    dbus_method_async,
    dbus_property_async,
    dbus_signal_async,
)

from sigmavault.contract.host1 import spell
from sigmavault.contract.models1 import (
    BUS_NAME,
    INTERFACE,
    JOB_INTERFACE,
    OBJECT_PATH,
    Action,
    DownloadKey,
    DownloadState,
    ModelKey,
    PlaceKey,
    job_path,
)
from sigmavault.core.downloads.queue import Download
from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.manifest import Model
from sigmavault.core.tiers import memory_needed
from sigmavault.models.service import Downloads
from sigmavault.system import bus, polkit

_KEPT_S = 60.0
"""How long the object of a download is there after it has gone."""


class JobObject(DbusInterfaceCommonAsync, interface_name=JOB_INTERFACE):
    """A download on the bus."""

    def __init__(self, download: Download) -> None:
        super().__init__()
        self._download = download

    @dbus_property_async("s", property_name="Id")
    def id(self) -> str:
        """Of the model."""
        return self._download.id

    @dbus_property_async("s", property_name="State")
    def state(self) -> str:
        """One of `DownloadState`."""
        return self._download.state.value

    @dbus_property_async("s", property_name="Reason")
    def reason(self) -> str:
        """Why it waits or has failed; empty for nothing to say."""
        return self._download.reason

    @dbus_property_async("t", property_name="Bytes")
    def bytes(self) -> int:
        """Of the file that are here."""
        return self._download.bytes

    @dbus_property_async("t", property_name="Size")
    def size(self) -> int:
        """Of the file."""
        return self._download.size

    def show(self, download: Download) -> None:
        """Tell how it is now."""
        self._download = download
        changed: dict[str, Any] = {
            "State": ("s", download.state.value), "Reason": ("s", download.reason),
            "Bytes": ("t", download.bytes),
        }  # fmt: skip
        self.properties_changed.emit((JOB_INTERFACE, changed, []))


class ModelsObject(DbusInterfaceCommonAsync, interface_name=INTERFACE):
    """The object at `/org/sigmavault/Models`."""

    def __init__(self, connection: SdBus) -> None:
        super().__init__()
        self._connection = connection
        self._jobs: dict[str, tuple[JobObject, Callable[[], None]]] = {}
        self.downloads: Downloads

    @dbus_method_async("s", "o", DbusUnprivilegedFlag, ("job",), ("model",), method_name="Download")
    async def download(self, model: str) -> str:
        """Fetch a model, or go on with it."""
        await self._allowed()
        self._show(await _told(self.downloads.add(model)))
        return job_path(model)

    @dbus_method_async("", "s", DbusUnprivilegedFlag, ("downloads",), (), method_name="List")
    async def list(self) -> str:
        """The queue."""
        self.downloads.touch()
        return json.dumps([self._row(each) for each in self.downloads.queue])

    @dbus_method_async("s", "", DbusUnprivilegedFlag, (), ("model",), method_name="Pause")
    async def pause(self, model: str) -> None:
        """Keep what has come, and wait."""
        await self._allowed()
        _plainly(lambda: self.downloads.pause(model))

    @dbus_method_async("s", "", DbusUnprivilegedFlag, (), ("model",), method_name="Resume")
    async def resume(self, model: str) -> None:
        """Go on."""
        await self._allowed()
        _plainly(lambda: self.downloads.resume(model))

    @dbus_method_async("s", "", DbusUnprivilegedFlag, (), ("model",), method_name="Cancel")
    async def cancel(self, model: str) -> None:
        """Forget a download, and what has come of it."""
        await self._allowed()
        _plainly(lambda: self.downloads.cancel(model))

    @dbus_method_async("s", "", DbusUnprivilegedFlag, (), ("model",), method_name="Remove")
    async def remove(self, model: str) -> None:
        """Remove a model from this machine."""
        await self._allowed()
        _plainly(lambda: self.downloads.remove(model))

    @dbus_method_async("b", "", DbusUnprivilegedFlag, (), ("allowed",), method_name="AllowBootDisk")
    async def allow_boot_disk(self, allowed: bool) -> None:  # noqa: FBT001  # as D-Bus has it
        """Agree to models on the boot disk while there is no dataset for them."""
        await self._allowed()
        _plainly(lambda: self.downloads.allow_boot_disk(allowed=allowed))

    @dbus_method_async("", "s", DbusUnprivilegedFlag, ("models",), (), method_name="Available")
    async def available(self) -> str:
        """All models that are known."""
        self.downloads.touch()
        return json.dumps([_model_row(model, here=here) for model, here in self.downloads.models()])

    @dbus_method_async("", "s", DbusUnprivilegedFlag, ("place",), (), method_name="Place")
    async def place(self) -> str:
        """Where models go."""
        self.downloads.touch()
        told = dict.fromkeys(PlaceKey, "") | {PlaceKey.IS_BOOT_DISK: False}
        told[PlaceKey.BOOT_DISK_ALLOWED] = self.downloads.boot_disk_allowed
        try:
            found = await self.downloads.place()
        except SigmaVaultError as error:
            told[PlaceKey.WHY_NOT] = error.message
        else:
            told |= {
                PlaceKey.PATH: found.path, PlaceKey.NAME: found.name,
                PlaceKey.IS_BOOT_DISK: found.is_boot_disk,
            }  # fmt: skip
        return json.dumps(told)

    @dbus_signal_async("sstt", ("model", "state", "bytes", "size"), signal_name="Changed")
    def changed(self) -> tuple[str, str, int, int]:
        """A download has changed; while only bytes come, at most once a second."""
        raise NotImplementedError

    def tell(self, download: Download) -> None:
        """Let everybody know how a download is."""
        self._show(download)
        self.changed.emit((download.id, download.state.value, download.bytes, download.size))

    def _show(self, download: Download) -> None:
        if (known := self._jobs.get(download.id)) is not None:
            known[0].show(download)
        else:
            job = JobObject(download)
            self._jobs[download.id] = job, bus.put(job, job_path(download.id), self._connection)
        loop = asyncio.get_running_loop()
        if download.state in (DownloadState.DONE, DownloadState.FAILED):
            loop.call_later(_KEPT_S, self._forget, download.id)

    def _forget(self, model: str) -> None:
        if (still := self.downloads.queue.get(model)) is not None and still.state is not DownloadState.DONE:
            return
        if (gone := self._jobs.pop(model, None)) is not None:
            gone[1]()

    def _row(self, download: Download) -> dict[DownloadKey, object]:
        running = self.downloads.running(download.id)
        return {
            DownloadKey.ID: download.id,
            DownloadKey.STATE: download.state,
            DownloadKey.BYTES: running.bytes if running else download.bytes,
            DownloadKey.SIZE: download.size,
            DownloadKey.BYTES_PER_SECOND: round(running.bytes_s) if running else 0,
            DownloadKey.SECONDS_LEFT: running.seconds_left if running else None,
            DownloadKey.REASON: download.reason,
            DownloadKey.SOURCE: download.source,
        }

    async def _allowed(self) -> None:
        """Whether the caller may change anything; a person may be asked for a password."""
        sender = bus.caller()
        self.downloads.touch()
        await polkit.require(self._connection, sender, Action.CHANGE, interactive=True)


def _model_row(model: Model, *, here: bool) -> dict[ModelKey, object]:
    return {
        ModelKey.ID: model.id,
        ModelKey.NAME: model.name,
        ModelKey.PURPOSE: list(model.purpose),
        ModelKey.SIZE: model.size,
        ModelKey.LICENCE: model.licence,
        ModelKey.MEMORY: memory_needed(model),
        ModelKey.WHY_NOT: model.why_not_offered,
        ModelKey.HERE: here,
    }


async def _told[T](work: Any) -> T:
    try:
        return await work  # type: ignore[no-any-return]
    except SigmaVaultError as error:
        error.args = (spell(error.message, error.hint),)
        raise


def _plainly(work: Any) -> None:
    try:
        work()
    except SigmaVaultError as error:
        error.args = (spell(error.message, error.hint),)
        raise
    except OSError as error:
        raise SigmaVaultError(f"it cannot be kept: {error.strerror}") from error


async def serve(made: ModelsObject, connection: SdBus) -> None:
    """Put the object on the bus.

    Raises:
        SdBusRequestNameError: the name is taken, or the policy forbids it.
    """
    bus.put(made, OBJECT_PATH, connection)
    await connection.request_name_async(BUS_NAME, 0)
