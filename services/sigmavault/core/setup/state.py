"""What is set up on a machine already, as far as setting up cares. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sigmavault.core.network import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkState:
    """How the machine is set to get its address.

    Attributes:
        method: fixed or by DHCP.
        port: of a fixed address; empty with DHCP.
        address: with its prefix.
        gateway: empty for none.
        name_servers: in order.
    """

    method: Method = Method.DHCP
    port: str = ""
    address: str = ""
    gateway: str = ""
    name_servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState:
    """A look at the machine.

    Attributes:
        host_name: what it is called.
        time_zone: where it stands.
        network: how it is set.
        administrators: people who log in at the console and may become root.
        users: users of the NAS → whether they have a password.
        pools: imported pools → the names of their disks.
        serials: of disks → their names.
        datasets: all of them, with their pools.
        begun_pools: those among the pools whose making was cut off.
        model_datasets: those of them that were made for models.
        shares: names → datasets.
        models: ids of those whose files are here, whole and checked.
        loading: ids of those that are being downloaded, or wait for it.
    """

    host_name: str
    time_zone: str
    network: NetworkState = NetworkState()
    administrators: frozenset[str] = frozenset()
    users: Mapping[str, bool] = field(default_factory=dict)
    pools: Mapping[str, frozenset[str]] = field(default_factory=dict)
    serials: Mapping[str, str] = field(default_factory=dict)
    datasets: frozenset[str] = frozenset()
    begun_pools: frozenset[str] = frozenset()
    model_datasets: frozenset[str] = frozenset()
    shares: Mapping[str, str] = field(default_factory=dict)
    models: frozenset[str] = frozenset()
    loading: frozenset[str] = frozenset()

    def consists_of(self, pool: str, disks: Iterable[str]) -> bool:
        """Whether a pool is made of exactly these disks, told by name or serial."""
        return self.pools.get(pool) == frozenset(self.serials.get(each, each) for each in disks)

    def share(self, name: str) -> str | None:
        """The dataset of a share; capital letters do not count, as for Samba."""
        return next((where for each, where in self.shares.items() if each.lower() == name.lower()), None)
