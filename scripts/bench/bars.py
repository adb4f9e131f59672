"""The bars, and whether the figures meet them. Pure; a figure that nobody measured meets nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_MINUTE = 60.0
_TOUCHED = ("services", "overlay", "roles")


@dataclass(kw_only=True, slots=True)
class Figures:
    """What was measured; None where nobody did. Seconds and bytes.

    Attributes:
        commit: of the checkout, with a `+` when it had changes.
        machine: what it was measured on.
        cold: `make iso` with all caches empty.
        steps: of that build.
        image_part: of that build, what `peer` does too.
        peer: a plain `lb build` of the same packages in the same tools tree.
        unchanged: `make iso` again.
        changed: `make iso` after a change of one file, by folder.
        iso_bytes: the desktop ISO.
        ci_cold: `.ci/run` with all caches empty.
        ci_warm: the same again.
    """

    commit: str = ""
    machine: dict[str, str] = field(default_factory=dict)
    cold: float | None = None
    steps: dict[str, float] = field(default_factory=dict)
    image_part: float | None = None
    peer: float | None = None
    unchanged: float | None = None
    changed: dict[str, float] = field(default_factory=dict)
    iso_bytes: int | None = None
    ci_cold: float | None = None
    ci_warm: float | None = None

    def over(self, older: Figures) -> Figures:
        """These figures, and the older ones of the same commit and machine for what is lacking."""
        if not self.commit or (self.commit, self.machine) != (older.commit, older.machine):
            return self
        mine = {name: value for name, value in asdict(self).items() if value not in (None, {})}
        return Figures(**{**asdict(older), **mine})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table.

    Attributes:
        met: None where nothing was measured.
    """

    what: str
    bar: str
    value: str
    met: bool | None


def rows(figures: Figures, boots: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    """The table: one row for each bar.

    Args:
        figures: of builds.
        boots: of virtual machines, by image (`iso`, `disk`), as the VM tests record them.
    """
    yield from _cold(figures)
    yield from _warm(figures)
    yield _row("desktop ISO with the model inside", "< 1.60 GB", _shown(figures.iso_bytes, _gb), [
        _below(figures.iso_bytes, 1.6e9)])  # fmt: skip
    yield from _boot(boots.get("iso", {}), boots.get("disk", {}))
    yield _row("`.ci/run`, cold", "< 70 min", _shown(figures.ci_cold, _time), [
        _below(figures.ci_cold, 70 * _MINUTE)])  # fmt: skip
    yield _row("`.ci/run`, warm", "< 30 min", _shown(figures.ci_warm, _time), [
        _below(figures.ci_warm, 30 * _MINUTE)])  # fmt: skip


def _cold(figures: Figures) -> Iterator[Row]:
    yield _row("cold `make iso`, all together", "< 30 min", _shown(figures.cold, _time), [
        _below(figures.cold, 30 * _MINUTE)])  # fmt: skip
    part, peer = figures.image_part, figures.peer
    value = ""
    if part is not None:
        value = f"{_time(part)}, peer {_shown(peer, _time) or 'not measured'}"
    met = None if part is None or peer is None else part <= peer
    ratio = f" = {part / peer:.2f}" if part is not None and peer else ""
    yield _row("its image part against a plain `lb build`", "≤ 1.00", value + ratio, [met])


def _warm(figures: Figures) -> Iterator[Row]:
    for folder in _TOUCHED:
        seconds = figures.changed.get(folder)
        value, checks = _shown(seconds, _time), [_below(seconds, 5 * _MINUTE)]
        if seconds is not None and figures.cold:
            value += f" = {seconds / figures.cold:.2f} x cold"
            checks.append(seconds < 0.2 * figures.cold)
        else:
            checks.append(None)
        yield _row(f"rebuild after one file in `{folder}/`", "< 5 min, < 0.20 x cold", value, checks)
    yield _row("`make iso` with nothing changed", "< 10 s", _shown(figures.unchanged, _exact), [
        _below(figures.unchanged, 10)])  # fmt: skip


def _boot(iso: Mapping[str, Any], disk: Mapping[str, Any]) -> Iterator[Row]:
    how = f" ({iso['accel']})" if iso.get("accel") else ""
    for key, what, limit in (
        ("login_prompt_s", "ISO to login prompt", 130),
        ("model_ready_s", "ISO to services ready, model loaded", 180),
    ):
        seconds = iso.get(key)
        value = _shown(seconds, _exact) + (how if seconds is not None else "")
        yield _row(what, f"< {limit} s", value, [_below(seconds, limit)])
    for boot, what, limit in (
        (disk, "memory when ready, `server` without the model", 300),
        (iso, "memory when ready, `desktop` without the model", 600),
    ):
        used = _without_model(boot)
        yield _row(what, f"< {limit} MB", _shown(used, _mb), [_below(used, limit * 1e6)])
    restores = [boot["restore_s"] for boot in (iso, disk) if boot.get("restore_s") is not None]
    slowest = max(restores, default=None)
    yield _row("restore of a VM checkpoint", "< 20 s", _shown(slowest, _exact), [_below(slowest, 20)])


def _without_model(boot: Mapping[str, Any]) -> int | None:
    used, model = boot.get("memory_used_bytes"), boot.get("model_memory_bytes")
    return None if used is None or model is None else int(used) - int(model)


def _row(what: str, bar: str, value: str, checks: list[bool | None]) -> Row:
    """A bar of several parts is missed by any, met by all, and open otherwise."""
    met = False if False in checks else None if None in checks else True
    return Row(what=what, bar=bar, value=value or "not measured", met=met)


def render_table(found: list[Row], machine: Mapping[str, str]) -> str:
    """The table in Markdown, as docs/performance.md holds it."""
    words = {True: "yes", False: "**no**", None: "open"}
    lines = [f"| {row.what} | {row.bar} | {row.value} | {words[row.met]} |\n" for row in found]
    where = "; ".join(value for value in machine.values() if value)
    return (f"Measured on: {where}\n\n" if where else "") + "".join(
        ["| what | bar | measured | met |\n", "|---|---|---|---|\n", *lines]
    )


def _below(value: float | None, limit: float) -> bool | None:
    return None if value is None else value < limit


def _shown(value: Any, how: Any) -> str:
    return "" if value is None else str(how(value))


def _time(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


def _exact(seconds: float) -> str:
    return f"{seconds:.1f} s"


def _gb(size: int) -> str:
    return f"{size / 1e9:.2f} GB"


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
