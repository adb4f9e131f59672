"""The commands of `zpool` that change something."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

from sigmavault.simulated.command import Line, RefusalError, Simulated, line
from sigmavault.simulated.state import Dataset, Pool, State, Vdev, guid_of, leaf
from sigmavault.simulated.topology import build, drawing


def _words(asked: Simulated, with_value: str = "") -> Line:
    return line(asked.argv[2:], with_value)


def _imported(state: State, name: str) -> Pool:
    pool = state.pools.get(name)
    if pool is None or not pool.imported:
        raise RefusalError(f"cannot open '{name}': no such pool")
    return pool


def _create(asked: Simulated) -> str:
    words = _words(asked, "oOmtR")
    name, *devices = words.names
    if name in asked.state.pools:
        raise RefusalError(f"cannot create '{name}': pool already exists")
    is_rehearsal = "n" in words.flags
    state = copy.deepcopy(asked.state) if is_rehearsal else asked.state
    pool = Pool(name=name, guid=guid_of(name, str(asked.now)), imported=True, data=[])
    build(state, pool, devices, is_forced="f" in words.flags)
    if is_rehearsal:
        return drawing(pool, "create")
    properties = dict(each.split("=", 1) for each in words.values.get("O", []) if "=" in each)
    is_encrypted = properties.get("encryption", "off") != "off"
    is_typed = properties.get("keyformat", "passphrase") == "passphrase"
    if is_encrypted and is_typed and len(asked.stdin.strip()) < 8:
        raise RefusalError("Passphrase too short (min 8).")
    pool.datasets[name] = Dataset(
        name=name,
        guid=guid_of("dataset", name, str(asked.now)),
        properties=properties,
        encrypted=is_encrypted,
    )
    state.pools[name] = pool
    return ""


def _add(asked: Simulated) -> str:
    words = _words(asked, "oO")
    name, *devices = words.names
    is_rehearsal = "n" in words.flags
    state = copy.deepcopy(asked.state) if is_rehearsal else asked.state
    pool = _imported(state, name)
    build(state, pool, devices, is_forced="f" in words.flags)
    return drawing(pool, "add") if is_rehearsal else ""


def _destroy(asked: Simulated) -> str:
    name = _words(asked).names[0]
    pool = _imported(asked.state, name)
    del asked.state.pools[pool.name]
    return ""  # the labels stay, as in life


def _export(asked: Simulated) -> str:
    for name in _words(asked).names:
        _imported(asked.state, name).imported = False
    return ""


def _import(asked: Simulated) -> str:
    words = _words(asked, "oOdRtcD")
    foreign = [pool for pool in asked.state.pools.values() if not pool.imported]
    if not words.names:
        if not foreign:
            raise RefusalError("no pools available to import")
        return "\n".join(_offered(pool) for pool in foreign)
    wanted, *new_name = words.names
    for pool in foreign:
        if wanted in {pool.name, str(pool.guid)}:
            if (new_name or [pool.name])[0] in {each.name for each in asked.state.imported()}:
                raise RefusalError(f"cannot import '{pool.name}': a pool with that name already exists")
            pool.imported = True
            return ""
    raise RefusalError(f"cannot import '{wanted}': no such pool available")


def _offered(pool: Pool) -> str:
    disks = "\n".join(f"\t    {leaf_.disk}  {leaf_.state}" for leaf_ in pool.leaves())
    return (
        f"   pool: {pool.name}\n     id: {pool.guid}\n  state: {pool.state}\n action: "
        f"The pool can be imported using its name or numeric identifier.\n"
        f" config:\n\n\t{pool.name}  {pool.state}\n{disks}\n"
    )


def _scrub(asked: Simulated) -> str:
    words = _words(asked)
    pool = _imported(asked.state, words.names[0])
    if words.flags & {"s", "p"}:
        if pool.scan != "scrub":
            raise RefusalError(f"cannot cancel scrubbing {pool.name}: there is no active scrub")
        pool.scan = "none"
        return ""
    if pool.scan == "scrub":
        raise RefusalError(
            f"cannot scrub {pool.name}: currently scrubbing; use 'zpool scrub -s' to cancel scrub"
        )
    pool.scan = "scrub"
    return ""


def _leaf(pool: Pool, state: State, word: str) -> Vdev:
    disk = state.disk_at(word)
    for each in pool.leaves():
        if (disk is not None and each.disk == disk.name) or word == str(each.guid):
            return each
    raise RefusalError(f"no such device in pool: {word}")


def _set_state(new: str) -> Callable[[Simulated], str]:
    def change(asked: Simulated) -> str:
        name, *devices = _words(asked).names
        pool = _imported(asked.state, name)
        for device in devices:
            _leaf(pool, asked.state, device).state = new
        return ""

    return change


def _clear(asked: Simulated) -> str:
    _imported(asked.state, _words(asked).names[0])
    return ""


def _new(asked: Simulated, pool: Pool, word: str) -> Vdev:
    disk = asked.state.disk_at(word)
    if disk is None:
        raise RefusalError(f"cannot open '{word}': no such device in /dev")
    if disk.label or any(each.filesystem for each in disk.partitions):
        raise RefusalError(f"invalid vdev specification\nuse '-f' to override: {word} is in use")
    disk.label = pool.name
    return leaf(pool.name, disk.name)


def _replace(asked: Simulated) -> str:
    name, old, new = _words(asked, "o").names
    pool = _imported(asked.state, name)
    gone = _leaf(pool, asked.state, old)
    came = _new(asked, pool, new)
    asked.state.disks[gone.disk].label = ""
    gone.disk, gone.guid, gone.state = came.disk, came.guid, "ONLINE"
    return ""


def _attach(asked: Simulated) -> str:
    name, old, new = _words(asked, "o").names
    pool = _imported(asked.state, name)
    beside = _leaf(pool, asked.state, old)
    for vdev in pool.vdevs():
        if vdev is beside:
            child = copy.copy(vdev)
            vdev.kind, vdev.disk, vdev.guid = "mirror", "", guid_of(name, old, new)
            vdev.children = [child, _new(asked, pool, new)]
            return ""
        if beside in vdev.children and vdev.kind == "mirror":
            vdev.children.append(_new(asked, pool, new))
            return ""
    raise RefusalError(f"cannot attach {new} to {old}: can only attach to mirrors and top-level disks")


def _detach(asked: Simulated) -> str:
    name, device = _words(asked).names
    pool = _imported(asked.state, name)
    gone = _leaf(pool, asked.state, device)
    for vdev in pool.vdevs():
        if gone in vdev.children and vdev.kind == "mirror":
            vdev.children.remove(gone)
            asked.state.disks[gone.disk].label = ""
            if len(vdev.children) == 1:
                last = vdev.children[0]
                vdev.kind, vdev.disk, vdev.guid, vdev.state = "disk", last.disk, last.guid, last.state
                vdev.children = []
            return ""
    raise RefusalError(f"cannot detach {device}: only applicable to mirror and replacing vdevs")


def _labelclear(asked: Simulated) -> str:
    disk = asked.state.disk_at(_words(asked).names[0])
    if disk is None or not disk.label:
        raise RefusalError("failed to clear label")
    disk.label = ""
    return ""


VERBS: Mapping[str, Callable[[Simulated], str]] = {
    "create": _create, "add": _add, "destroy": _destroy, "export": _export, "import": _import,
    "scrub": _scrub, "offline": _set_state("OFFLINE"), "online": _set_state("ONLINE"), "clear": _clear,
    "replace": _replace, "attach": _attach, "detach": _detach, "labelclear": _labelclear,
}  # fmt: skip
