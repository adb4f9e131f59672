"""Pools as ZFS 2.3.9 told of them in a virtual machine (`recorded/`)."""

from __future__ import annotations

from pathlib import Path

from sigmavault.core.storage.pools import Pool
from sigmavault.core.storage.pools_status import parse_status

RECORDED = Path(__file__).parent / "recorded"


def text_of(state: str) -> str:
    return (RECORDED / f"{state}.json").read_text()


def pool_of(state: str, name: str) -> Pool:
    return next(pool for pool in parse_status(text_of(state)) if pool.name == name)
