"""How much of an image each feature takes.

A package belongs to the first feature, in the order of image.yaml, that names it or needs it. What
every Debian has comes before all features; what no feature needs is shown as such, so the
shares add up to the whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel, ConfigDict

from scripts.report.status import Package

ESSENTIAL = "(essential)"
UNNEEDED = "(nobody needs)"
_TOP = 20


class Sizes(BaseModel):
    """The sizes of one image, in bytes.

    Attributes:
        image: name of the image file.
        image_bytes: size of that file; 0 while it does not exist.
        tree_bytes: all files of the root tree.
        features: installed size of the packages of each feature, in order.
        packages: installed size of every package.
        folders: files of each folder, cut at the third level; they add up to `tree_bytes`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str
    image_bytes: int = 0
    tree_bytes: int
    features: dict[str, int]
    packages: dict[str, int]
    folders: dict[str, int]

    def to_json(self) -> str:
        """As text that `model_validate_json` reads back."""
        return self.model_dump_json(indent=1) + "\n"

    def with_image(self, size: int) -> Sizes:
        """The same with the size of the finished image file."""
        return self.model_copy(update={"image_bytes": size})


def measure(
    image: str,
    packages: Mapping[str, Package],
    features: Mapping[str, Iterable[str]],
    folders: Mapping[str, int],
) -> Sizes:
    """The sizes of an image from its packages, what each feature names, and its folders."""
    owners = attribute(packages, features)
    shares = dict.fromkeys([ESSENTIAL, *features, UNNEEDED], 0)
    for name, owner in owners.items():
        shares[owner] += packages[name].size
    return Sizes(
        image=image,
        tree_bytes=sum(folders.values()),
        features=shares,
        packages={name: item.size for name, item in packages.items()},
        folders=dict(sorted(folders.items())),
    )


def attribute(packages: Mapping[str, Package], features: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The feature that each package belongs to."""
    providers = _providers(packages)
    owners: dict[str, str] = {}
    essential = [item.name for item in packages.values() if item.essential]
    for feature, names in [(ESSENTIAL, essential), *features.items()]:
        for name in _closure(packages, providers, names, owners):
            owners[name] = feature
    return {name: owners.get(name, UNNEEDED) for name in packages}


def _closure(
    packages: Mapping[str, Package],
    providers: Mapping[str, list[str]],
    names: Iterable[str],
    taken: Mapping[str, str],
) -> Iterator[str]:
    """`names` and all they depend on, without what is taken."""
    waiting = deque(found for name in names if (found := _installed((name,), packages, providers)))
    seen: set[str] = set()
    while waiting:
        name = waiting.popleft()
        if name in seen or name in taken:
            continue
        seen.add(name)
        yield name
        for group in packages[name].depends:
            if found := _installed(group, packages, providers):
                waiting.append(found)


def _installed(
    group: Iterable[str], packages: Mapping[str, Package], providers: Mapping[str, list[str]]
) -> str | None:
    """The installed package that satisfies one of the alternatives; a real one before a provider."""
    alternatives = list(group)
    for name in alternatives:
        if name in packages:
            return name
    for name in alternatives:
        if name in providers:
            return providers[name][0]
    return None


def _providers(packages: Mapping[str, Package]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in packages.values():
        for virtual in item.provides:
            found.setdefault(virtual, []).append(item.name)
    return {virtual: sorted(names) for virtual, names in found.items()}


def top(values: Mapping[str, int], count: int = _TOP) -> list[tuple[str, int]]:
    """The largest, largest first; equals by name."""
    return sorted(values.items(), key=lambda item: (-item[1], item[0]))[:count]


def changes(old: Mapping[str, int], new: Mapping[str, int]) -> dict[str, int]:
    """What grew (positive) and shrank (negative), by name, without what stayed."""
    found = {name: new.get(name, 0) - old.get(name, 0) for name in {**old, **new}}
    return {name: difference for name, difference in found.items() if difference}
