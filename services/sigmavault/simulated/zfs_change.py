"""The commands of `zfs` that change something."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sigmavault.simulated.command import Line, RefusalError, Simulated, line
from sigmavault.simulated.state import Dataset, Pool, Snapshot, State, guid_of


def _words(asked: Simulated, with_value: str = "") -> Line:
    return line(asked.argv[2:], with_value)


def _dataset(state: State, name: str) -> Dataset:
    found = state.dataset(name)
    if found is None:
        raise RefusalError(f"cannot open '{name}': dataset does not exist")
    return found


def _pool(state: State, name: str) -> Pool:
    return state.pools[name.partition("/")[0].partition("@")[0]]


def _snapshot(state: State, name: str) -> tuple[Dataset, Snapshot]:
    above, _, tag = name.partition("@")
    dataset = _dataset(state, above)
    for each in dataset.snapshots:
        if each.tag == tag:
            return dataset, each
    raise RefusalError(f"cannot open '{name}': dataset does not exist")


def _below(pool: Pool, name: str) -> list[str]:
    return [each for each in pool.datasets if each == name or each.startswith(f"{name}/")]


def _create(asked: Simulated) -> str:
    words = _words(asked, "obsV")
    name = words.names[-1]
    parent = name.rpartition("/")[0]
    if asked.state.dataset(name) is not None:
        raise RefusalError(f"cannot create '{name}': dataset already exists")
    if asked.state.dataset(parent) is None and "p" not in words.flags:
        raise RefusalError(f"cannot create '{name}': parent does not exist")
    properties = dict(each.split("=", 1) for each in words.values.get("o", []) if "=" in each)
    is_encrypted = properties.pop("encryption", "off") != "off"
    is_typed = properties.get("keyformat", "passphrase") == "passphrase"
    if is_encrypted and is_typed and len(asked.stdin.strip()) < 8:
        raise RefusalError("Passphrase too short (min 8).")
    _pool(asked.state, name).datasets[name] = Dataset(
        name=name, guid=guid_of(name, str(asked.now)), encrypted=is_encrypted, properties=properties,
        mounted="u" not in words.flags and properties.get("canmount", "on") == "on",
    )  # fmt: skip
    return ""


def _destroy(asked: Simulated) -> str:
    words = _words(asked)
    name = words.names[0]
    if "@" in name:
        return _destroy_snapshot(asked, words, name)
    pool = _pool(asked.state, name)
    _dataset(asked.state, name)
    inside = _below(pool, name)
    snapshots = [f"{each}@{one.tag}" for each in inside for one in pool.datasets[each].snapshots]
    if (len(inside) > 1 or snapshots) and not words.flags & {"r", "R"}:
        raise RefusalError(f"cannot destroy '{name}': filesystem has children\nuse '-r' to destroy them")
    lines = [f"destroy\t{each}" for each in (*snapshots, *reversed(inside))]
    lines.append(f"reclaim\t{sum(pool.datasets[each].used_bytes for each in inside)}")
    if "n" not in words.flags:
        for each in inside:
            del pool.datasets[each]
    return "\n".join(lines) + "\n" if "v" in words.flags else ""


def _destroy_snapshot(asked: Simulated, words: Line, name: str) -> str:
    dataset, snapshot = _snapshot(asked.state, name)
    if snapshot.holds:
        raise RefusalError(
            f"cannot destroy snapshot {name}: it's being held. Run 'zfs holds -r' to see holders."
        )
    if "n" not in words.flags:
        dataset.snapshots.remove(snapshot)
    return f"destroy\t{name}\nreclaim\t0\n" if "v" in words.flags else ""


def _take(asked: Simulated) -> str:
    words = _words(asked, "o")
    for name in words.names:
        above, _, tag = name.partition("@")
        pool = _pool(asked.state, above)
        wanted = _below(pool, above) if "r" in words.flags else [_dataset(asked.state, above).name]
        for each in wanted:
            if any(one.tag == tag for one in pool.datasets[each].snapshots):
                raise RefusalError(f"cannot create snapshot '{each}@{tag}': dataset already exists")
        for each in wanted:
            pool.datasets[each].snapshots.append(
                Snapshot(tag=tag, guid=guid_of(each, tag, str(asked.now)), created_at=int(asked.now))
            )
    return ""


def _rename(asked: Simulated) -> str:
    old, new = _words(asked).names
    pool = _pool(asked.state, old)
    _dataset(asked.state, old)
    if asked.state.dataset(new) is not None:
        raise RefusalError(f"cannot rename '{old}': dataset already exists")
    for each in _below(pool, old):
        moved = pool.datasets.pop(each)
        moved.name = new + each.removeprefix(old)
        pool.datasets[moved.name] = moved
    return ""


def _set(asked: Simulated) -> str:
    pairs = [word for word in _words(asked).names if "=" in word]
    names = [word for word in _words(asked).names if "=" not in word]
    for name in names:
        _dataset(asked.state, name).properties.update(dict(pair.split("=", 1) for pair in pairs))
    return ""


def _inherit(asked: Simulated) -> str:
    name_of_property, *names = _words(asked).names
    for name in names:
        _dataset(asked.state, name).properties.pop(name_of_property, None)
    return ""


def _rollback(asked: Simulated) -> str:
    words = _words(asked)
    dataset, snapshot = _snapshot(asked.state, words.names[0])
    place = dataset.snapshots.index(snapshot)
    if place + 1 < len(dataset.snapshots) and "r" not in words.flags:
        raise RefusalError(f"cannot rollback to '{words.names[0]}': more recent snapshots or bookmarks exist")
    del dataset.snapshots[place + 1 :]
    return ""


def _clone(asked: Simulated) -> str:
    words = _words(asked, "o")
    origin, name = words.names
    source, _snap = _snapshot(asked.state, origin)
    if asked.state.dataset(name) is not None:
        raise RefusalError(f"cannot create '{name}': dataset already exists")
    properties = dict(each.split("=", 1) for each in words.values.get("o", []) if "=" in each)
    _pool(asked.state, name).datasets[name] = Dataset(
        name=name, guid=guid_of(name, str(asked.now)), used_bytes=0, encrypted=source.encrypted,
        properties=properties | {"origin": origin},
    )  # fmt: skip
    return ""


def _hold(asked: Simulated) -> str:
    tag, *names = _words(asked).names
    for name in names:
        _snapshot(asked.state, name)[1].holds.add(tag)
    return ""


def _release(asked: Simulated) -> str:
    tag, *names = _words(asked).names
    for name in names:
        holds = _snapshot(asked.state, name)[1].holds
        if tag not in holds:
            raise RefusalError(f"cannot release '{tag}' from '{name}': no such tag on this dataset")
        holds.discard(tag)
    return ""


def _holds(asked: Simulated) -> str:
    lines = [f"{name}\t{tag}\tSun Nov 22 2026" for name in _words(asked).names
             for tag in sorted(_snapshot(asked.state, name)[1].holds)]  # fmt: skip
    return "\n".join(lines)


def _key(*, is_load: bool) -> Callable[[Simulated], str]:
    def change(asked: Simulated) -> str:
        for name in _words(asked, "L").names:
            dataset = _dataset(asked.state, name)
            if not dataset.encrypted:
                raise RefusalError(f"'{name}' is not encrypted")
            dataset.key_loaded = is_load
            dataset.mounted = dataset.mounted and is_load
        return ""

    return change


def _mount(*, is_mounted: bool) -> Callable[[Simulated], str]:
    def change(asked: Simulated) -> str:
        for name in _words(asked, "o").names:
            _dataset(asked.state, name).mounted = is_mounted
        return ""

    return change


VERBS: Mapping[str, Callable[[Simulated], str]] = {
    "create": _create, "destroy": _destroy, "snapshot": _take, "rename": _rename, "set": _set,
    "inherit": _inherit, "rollback": _rollback, "clone": _clone, "hold": _hold, "release": _release,
    "holds": _holds, "load-key": _key(is_load=True), "unload-key": _key(is_load=False),
    "mount": _mount(is_mounted=True), "unmount": _mount(is_mounted=False),
}  # fmt: skip
