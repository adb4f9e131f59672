"""A look at the machine: what is set up, and what a person is shown before choosing."""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sigmavault.cli.host.client import Host
from sigmavault.contract.models1 import DownloadState
from sigmavault.core.errors import ConfigError, ServiceUnavailableError, SigmaVaultError
from sigmavault.core.hardware import Hardware
from sigmavault.core.manifest import Manifest, parse_manifest
from sigmavault.core.network import Method
from sigmavault.core.setup.facts import DiskFact, Facts, model_offers, pool_choices, proposed_disks
from sigmavault.core.setup.state import MachineState, NetworkState
from sigmavault.core.storage.begun import is_begun
from sigmavault.core.storage.presets import Preset
from sigmavault.core.threads import plan_threads
from sigmavault.core.tiers import choose_tier
from sigmavault.setup.downloads import Models
from sigmavault.system import bandwidth, env
from sigmavault.system.hardware import read_hardware
from sigmavault.system.yaml_file import read_yaml

_ON_THE_WAY = frozenset(
    {DownloadState.QUEUED, DownloadState.RUNNING, DownloadState.PAUSED, DownloadState.VERIFYING}
)


async def _read(host: Host, operation: str, arguments: Mapping[str, object] | None = None) -> dict[str, Any]:
    told = await host.read(operation, json.dumps(arguments or {}), interactive=False)
    found: dict[str, Any] = json.loads(told)
    return found


async def read_state(host: Host, models: Models) -> MachineState:
    """What is set up now. Without ZFS there are no pools, and the rest can be set up all the same.

    Raises:
        ServiceUnavailableError: the host daemon does not answer.
        SigmaVaultError: it cannot tell.
    """
    settings = await _read(host, "machine.settings")
    users = await _read(host, "user.list")
    disks = await _read(host, "disk.list")
    storage = await _storage(host)
    shares = await _read(host, "share.list")
    here, loading = await _models(models)
    return MachineState(
        host_name=settings["host_name"], time_zone=settings["time_zone"],
        network=_network(settings["network"]), administrators=frozenset(settings["administrators"]),
        users={each["name"]: each["has_password"] for each in users["users"]},
        **storage,
        serials={each["serial"]: each["name"] for each in disks["disks"] if each["serial"]},
        shares={each["name"]: each["dataset"] for each in shares["shares"]},
        models=here, loading=loading,
    )  # fmt: skip


async def has_pool(host: Host) -> bool:
    """Whether there is a pool; a machine without ZFS has none.

    Raises:
        ServiceUnavailableError: the host daemon does not answer.
        SigmaVaultError: it cannot tell.
    """
    return bool(await _pools(host))


def _network(told: dict[str, Any]) -> NetworkState:
    return NetworkState(
        method=Method(told["method"]), port=told["port"], address=told["address"], gateway=told["gateway"],
        name_servers=tuple(told["name_servers"]),
    )  # fmt: skip


async def _storage(host: Host) -> dict[str, Any]:
    """What of `MachineState` is about pools and datasets."""
    rows = await _pools(host)
    if rows is None:
        return {}
    pools = {}
    for row in rows:
        vdevs = (await _read(host, "pool.show", {"name": row["name"]}))["vdevs"]
        pools[row["name"]] = frozenset(each["disk"] for each in vdevs if each["disk"])
    datasets = (await _read(host, "dataset.list"))["datasets"]
    for_models = frozenset(each["name"] for each in datasets if each["preset"] == Preset.MODELS)
    places = {each["name"]: each["mountpoint"] for each in datasets}
    begun = frozenset(name for name in pools if is_begun(name, places))
    return {
        "pools": pools, "datasets": frozenset(places), "begun_pools": begun, "model_datasets": for_models,
    }  # fmt: skip


async def _pools(host: Host) -> list[dict[str, Any]] | None:
    """The rows of `pool.list`; None without ZFS."""
    try:
        rows: list[dict[str, Any]] = (await _read(host, "pool.list"))["pools"]
    except SigmaVaultError as error:
        if error.code != "zfs.missing":
            raise
        return None
    return rows


async def _models(models: Models) -> tuple[frozenset[str], frozenset[str]]:
    """What is here; where the daemon does not answer, what its files say."""
    try:
        queue = await models.queue()
        return await models.here(), frozenset(each.id for each in queue if each.state in _ON_THE_WAY)
    except ServiceUnavailableError:
        return _files(), frozenset()


def _files() -> frozenset[str]:
    manifest = _manifest()
    found = {
        entry.id for entry in (manifest.models if manifest else ())
        for folder in env.paths().models if (folder / entry.file).is_file()
    }  # fmt: skip
    return frozenset(found)


def _manifest() -> Manifest | None:
    try:
        file = env.paths().manifest
        return parse_manifest(read_yaml(file), file.name)
    except ConfigError:
        return None


async def read_facts(host: Host, models: Models, *, with_bandwidth: bool = True) -> Facts:
    """All that the pages show. Measuring the memory's bandwidth takes half a second.

    Raises:
        ServiceUnavailableError: the host daemon does not answer.
        SigmaVaultError: it cannot tell.
    """
    state = await read_state(host, models)
    rows = (await _read(host, "disk.list"))["disks"]
    ports = (await _read(host, "machine.settings"))["ports"]
    disks = tuple(DiskFact.model_validate(row) for row in rows)
    choices = pool_choices(proposed_disks(disks))
    hardware, manifest = _hardware(with_bandwidth=with_bandwidth), _manifest()
    return Facts(
        state=state, disks=tuple(sorted(disks, key=lambda each: not each.is_eligible)),
        proposal=choices[0] if choices else None, choices=choices,
        tier=choose_tier(hardware, manifest) if manifest else None,
        models=model_offers(manifest, hardware, state.models) if manifest else (),
        ports=tuple(ports), time_zones=tuple(sorted(zoneinfo.available_timezones())),
        is_simulated=await host.is_simulated(),
    )  # fmt: skip


def _hardware(*, with_bandwidth: bool) -> Hardware:
    found = read_hardware()
    if not with_bandwidth:
        return found
    available = min(found.available_bytes, found.usable_memory_bytes)
    threads = plan_threads(found.cpus).threads
    measured = bandwidth.measure(threads=threads, cache_bytes=found.cache_bytes, available_bytes=available)
    return replace(found, bandwidth=measured)
