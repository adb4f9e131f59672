"""Which pools were begun, and no more: their making was cut off. Pure.

`zpool create` writes a pool in one transaction and the properties of its first dataset in a later one
(`zfs_ioc_pool_create` of OpenZFS: `spa_create`, then `zfs_set_prop_nvlist`, which sets all or none). Where
the power goes in between, the next boot finds a whole pool that is mounted at /NAME and has no ACLs.
"""

from __future__ import annotations

from collections.abc import Mapping


def is_begun(pool: str, places: Mapping[str, str]) -> bool:
    """Whether a pool has nothing in it, and was not given the place that each pool of ours has.

    Args:
        pool: its name.
        places: of all datasets, of others too: name → where it is or would be mounted.
    """
    inside = {name: place for name, place in places.items() if name.partition("/")[0] == pool}
    return inside == {pool: f"/{pool}"}
