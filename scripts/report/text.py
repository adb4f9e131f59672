"""The size report as a person reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scripts.report.sizes import Sizes, changes, top

_CHANGES = 20
_SMALL = 100_000


def render_sizes(sizes: Sizes) -> str:
    """The report of one image."""
    installed = sum(sizes.features.values())
    parts = [
        f"{sizes.image}: {_mb(sizes.image_bytes)} MB\n"
        f"Root tree: {_mb(sizes.tree_bytes)} MB in files; packages claim {_mb(installed)} MB.\n",
        _table("Installed size by feature", [*sizes.features.items(), ("all", installed)]),
        _table("Largest packages", top(sizes.packages)),
        _table("Largest folders", [(f"/{name}", size) for name, size in top(sizes.folders)]),
    ]
    return "\n".join(parts)


def render_change(old: Sizes, new: Sizes) -> str:
    """What is different from an older image; never empty."""
    parts = [
        f"Since the image before: file {_signed(new.image_bytes - old.image_bytes)}, "
        f"tree {_signed(new.tree_bytes - old.tree_bytes)}\n",
        _signed_table("Features", changes(old.features, new.features)),
        _signed_table("Packages", changes(old.packages, new.packages)),
        _signed_table("Folders", changes(old.folders, new.folders)),
    ]
    return "\n".join(part for part in parts if part)


def _table(title: str, rows: Iterable[tuple[str, int]]) -> str:
    return f"{title}, MB\n" + "".join(f"{_mb(size):>10}  {name}\n" for name, size in rows)


def _signed_table(title: str, differences: Mapping[str, int]) -> str:
    largest = sorted(differences.items(), key=lambda item: (-abs(item[1]), item[0]))
    if not largest:
        return ""
    lines = [f"{_signed(size):>13}  {name}\n" for name, size in largest[:_CHANGES]]
    more = len(largest) - _CHANGES
    return f"{title}\n" + "".join(lines) + (f"               and {more} more\n" if more > 0 else "")


def _mb(size: int) -> str:
    return f"{size / 1e6:.2f}"


def _signed(size: int) -> str:
    return f"{size:+d} bytes" if abs(size) < _SMALL else f"{size / 1e6:+.2f} MB"
