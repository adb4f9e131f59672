"""Properties of datasets that may be changed, and the values that they may have: zfsprops(7). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal

type OnOff = Literal["on", "off"]
type Compression = Literal["off", "lz4", "zstd", "zstd-3", "zstd-9", "gzip"]
type RecordSize = Literal["4K", "8K", "16K", "32K", "64K", "128K", "256K", "512K", "1M"]
type Sync = Literal["standard", "always", "disabled"]
type SnapDir = Literal["hidden", "visible"]
type Cache = Literal["all", "metadata", "none"]
type LogBias = Literal["latency", "throughput"]


class Inheritable(StrEnum):
    """Properties whose value can come from the dataset above."""

    COMPRESSION = "compression"
    RECORDSIZE = "recordsize"
    ATIME = "atime"
    RELATIME = "relatime"
    READONLY = "readonly"
    SNAPDIR = "snapdir"
    SYNC = "sync"
    LOGBIAS = "logbias"
    PRIMARYCACHE = "primarycache"
    EXEC = "exec"


OF_FILESYSTEMS: Final = frozenset({"recordsize", "atime", "relatime", "snapdir", "exec", "quota", "refquota"})
"""Properties that a volume does not have."""

SIZES: Final = frozenset({"quota", "refquota", "reservation", "refreservation"})
"""Sizes: 0 is none."""

_UNITS: Final[Mapping[str, int]] = {"K": 1024, "M": 1024**2}


def as_told(name: str, value: str | int) -> str:
    """A value as `zfs get -p` tells it: what is compared to see whether it holds."""
    text = str(value)
    if name == "recordsize" and text[-1:] in _UNITS:
        return str(int(text[:-1]) * _UNITS[text[-1]])
    return text


def as_said(name: str, value: str) -> str:
    """A value as people say it: 131072 → 128K."""
    if name == "recordsize" and value.isascii() and value.isdigit():
        size = int(value)
        return f"{size // 1024**2}M" if size >= 1024**2 else f"{size // 1024}K"
    return value


def warnings(changes: Mapping[str, str | int]) -> tuple[str, ...]:
    """What a careful person would say before these are set."""
    found = []
    if changes.get("sync") == "disabled":
        found.append(
            "With sync=disabled a power cut loses up to some seconds of what programs were told is safe."
        )
    if changes.get("readonly") == "on":
        found.append("Nobody can write to it any more, also those who have it open now.")
    if changes.get("snapdir") == "visible":
        found.append("Everybody who can read the dataset sees `.zfs`, with all old versions of its files.")
    if changes.get("exec") == "off":
        found.append("Programs on it cannot be started any more.")
    lasting = {"compression", "recordsize"} & set(changes)
    if lasting:
        found.append(f"{' and '.join(sorted(lasting))}: only what is written from now on is affected.")
    return tuple(found)
