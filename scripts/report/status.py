"""dpkg's status file as values: which packages are installed, how big, what they depend on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"[a-z0-9][a-z0-9+.\-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One installed Debian package.

    Attributes:
        name: without architecture.
        version: as Debian writes it.
        architecture: `all` or a machine's.
        size: installed size in bytes, as the package claims.
        essential: whether every Debian has it: essential, protected, or of priority `required`.
        depends: each a tuple of alternatives, by name; Pre-Depends first.
        provides: virtual packages that it stands in for.
    """

    name: str
    version: str
    architecture: str
    size: int
    essential: bool
    depends: tuple[tuple[str, ...], ...]
    provides: tuple[str, ...]


def read_status(root: Path) -> dict[str, Package]:
    """The installed packages of a root tree, by name, sorted."""
    return parse_status((root / "var/lib/dpkg/status").read_text(encoding="utf-8"))


def parse_status(text: str) -> dict[str, Package]:
    """The installed packages of a status file, by name, sorted."""
    found = [_package(item) for item in _paragraphs(text) if item.get("Status", "").endswith(" ok installed")]
    return {item.name: item for item in sorted(found, key=lambda item: item.name)}


def render_packages(packages: Iterable[Package]) -> str:
    """Name, version and architecture of each package, a line each, separated by tabs."""
    return "".join(f"{item.name}\t{item.version}\t{item.architecture}\n" for item in packages)


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    for paragraph in re.split(r"\n\n+", text.strip()):
        fields: dict[str, str] = {}
        for line in paragraph.splitlines():
            # What follows a field on further lines is prose here: descriptions, lists of conffiles.
            if not line.startswith((" ", "\t")):
                name, _colon, value = line.partition(":")
                fields[name] = value.strip()
        if fields:
            yield fields


def _package(fields: dict[str, str]) -> Package:
    relations = [*_split(fields.get("Pre-Depends", "")), *_split(fields.get("Depends", ""))]
    return Package(
        name=fields["Package"],
        version=fields["Version"],
        architecture=fields["Architecture"],
        size=int(fields.get("Installed-Size", "0")) * 1024,
        essential="yes" in (fields.get("Essential"), fields.get("Protected"))
        or fields.get("Priority") == "required",
        depends=tuple(relations),
        provides=tuple(name for group in _split(fields.get("Provides", "")) for name in group),
    )


def _split(relation: str) -> list[tuple[str, ...]]:
    """`a (>= 1), b:any | c` as [("a",), ("b", "c")]: versions were dpkg's business."""
    groups = (item for item in relation.split(",") if item.strip())
    return [tuple(_name(part) for part in group.split("|")) for group in groups]


def _name(text: str) -> str:
    match = _NAME.match(text.strip())
    if match is None:
        raise ValueError(f"not a package relation: {text!r}")
    return match[0]
