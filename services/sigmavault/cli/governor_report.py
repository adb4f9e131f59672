"""The governor's status, for people. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain_line
from sigmavault.contract.governor1 import NowKey, StatusKey
from sigmavault.core.values import format_bytes, format_duration

_LABEL = 14
_LEVELS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "·"
_MOST_CHANGES = 8
_NEVER_WIDER = 120


def render(told: dict[str, Any], *, now: float, width: int, paint: Paint) -> Iterator[str]:
    """The status as lines.

    Args:
        told: what `Status` returned.
        now: seconds since 1970.
        width: of the terminal, in columns.
        paint: colours.
    """
    percent = told[StatusKey.CPU_PERCENT]
    if percent is None:
        yield "The governor has just begun to look."
        return
    since = format_duration(max(0.0, now - told[StatusKey.SINCE]))
    yield f"The model may use {percent} % of the CPU time of this machine, since {since}:"
    yield f"  {plain_line(told[StatusKey.CAUSE])}"
    if not told[StatusKey.IS_APPLIED]:
        yield paint.bad("  systemd has not taken it yet: what it took last still holds")
    yield ""
    yield from (f"{label:{_LABEL}}{text}" for label, text in _now(told))
    yield ""
    yield from _plots(told[StatusKey.HISTORY], width, paint)
    yield from _changes(told[StatusKey.HISTORY]["changes"], paint)


def _now(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    now = told[StatusKey.NOW]
    smb = _rate(now[NowKey.SMB_BYTES_PER_S])
    cpu = now[NowKey.SMB_CPU]
    yield "SMB", smb if cpu is None else f"{smb}, {cpu * 100:.0f} % of a core"
    calls = now[NowKey.NFS_CALLS_PER_S]
    yield "NFS", _rate(now[NowKey.NFS_BYTES_PER_S]) + ("" if calls is None else f", {calls:.0f} calls/s")
    if (scan := now[NowKey.SCAN]) != "none":
        yield "pools", f"a {scan} runs"
    yield (
        "free",
        "not known" if now[NowKey.IDLE] is None else f"{now[NowKey.IDLE] * 100:.0f} % of the CPU time",
    )
    for label, key in (("file serving", NowKey.FILES), ("model", NowKey.MODEL), ("machine", NowKey.MACHINE)):
        if (waits := now[key]) is not None:
            parts = (f"{each} {waits[each] * 100:.0f} %" for each in ("cpu", "io", "memory"))
            yield label, f"waits for {', '.join(parts)} of the time"
    if (arc := told[StatusKey.ARC]) is not None:
        lent = f", {format_bytes(arc['lent'])} lent to models" if arc["lent"] else ""
        yield "ZFS cache", f"{format_bytes(arc['size'])} of {format_bytes(arc['most'])}{lent}"


def _rate(value: float | None) -> str:
    return "not known" if value is None else f"{format_bytes(round(value))}/s"


def _plots(history: dict[str, Any], width: int, paint: Paint) -> Iterator[str]:
    rows = history["rows"]
    if not rows:
        return
    room = max(10, min(width, _NEVER_WIDER) - _LABEL - 20)
    together = -(-len(rows) // room)
    groups = [rows[at : at + together] for at in range(0, len(rows), together)]
    yield paint.dim(f"last {format_duration(len(rows) * history['row_seconds'])}, now on the right")
    traffic = [_worst(group, "bytes_per_s", max) for group in groups]
    most = max((each for each in traffic if each is not None), default=0)
    percent = [_worst(group, "cpu_percent", min) for group in groups]
    waiting = [_worst(group, "pressure_percent", max) for group in groups]
    free = [_worst(group, "idle_percent", min) for group in groups]
    yield f"{'model':{_LABEL}}{bars(percent, 100)}  to {max(each or 0 for each in percent)} %"
    yield f"{'traffic':{_LABEL}}{bars(traffic, most)}  to {format_bytes(most)}/s"
    yield f"{'waiting':{_LABEL}}{bars(waiting, 100)}  to {max(each or 0 for each in waiting)} %"
    least = min((each for each in free if each is not None), default=0)
    yield f"{'free':{_LABEL}}{bars(free, 100)}  from {least} %"


def _worst(group: Sequence[dict[str, Any]], key: str, choose: Callable[[list[int]], int]) -> int | None:
    found = [row[key] for row in group if row[key] is not None]
    return choose(found) if found else None


def bars(values: Sequence[int | None], most: int) -> str:
    """A bar for each value, one column wide; what is not known is a dot."""
    return "".join(
        _UNKNOWN if value is None else _LEVELS[min(7, value * 8 // most) if most else 0] for value in values
    )


def _changes(changes: Sequence[dict[str, Any]], paint: Paint) -> Iterator[str]:
    if not changes:
        return
    yield ""
    yield paint.dim("changes")
    for each in changes[-_MOST_CHANGES:]:
        at = datetime.fromtimestamp(each["at"]).astimezone()
        yield f"  {at:%Y-%m-%d %H:%M:%S}  {each['cpu_percent']:3} %  {plain_line(each['cause'])}"
