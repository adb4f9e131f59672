"""Kept answers in one shard of Qdrant Edge. Runs in the cache process only; everything here blocks.

In the folder lies one shard, named by what made its vectors. It is written anew when half of what the
budget allows is old, or when another model makes the vectors: the new one grows beside the old one and takes
its place when it is whole. There is no write-ahead log: what was not flushed is lost with the machine, and
it is only a cache.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

_PREFIX = "shard-1-"
_NEW, _OLD = "new", "old"
_NO_VECTORS = "none"
_PAGE = 1000
_TOUCH_S = 3600
"""How old the time of the last use on disk may be."""

type Vector = tuple[str, list[float]]
"""What made it, and its numbers."""


class Near(NamedTuple):
    """An answer to a similar question: its number, all of it, and how alike the questions are."""

    point: str
    payload: dict[str, Any]
    score: float


class FullError(Exception):
    """The disk has no room for answers."""


def import_engine(runtime: Path) -> Any:
    """Qdrant Edge out of the runtime.

    Raises:
        ImportError: the runtime has none, or none for this machine.
    """
    sys.path.append(os.fspath(runtime / "python"))
    return importlib.import_module("qdrant_edge")


def has_room(folder: Path, reserve: int) -> bool:
    """Whether more than that is free; Qdrant's writes to a full disk are signals, not errors."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize >= reserve


class Shard:
    """Answers by their numbers, least recently used first."""

    def __init__(
        self, engine: Any, folder: Path, *, most_bytes: int, most: int, keep_s: float, reserve: int
    ) -> None:
        """Open what is there, or begin anew.

        Args:
            engine: the module `qdrant_edge`.
            folder: of the cache, for this process alone.
            most_bytes: disk space for everything in the folder.
            most: answers.
            keep_s: for how long an answer is kept.
            reserve: bytes that are left free on the disk.

        Raises:
            FullError: the disk has no room to begin.
            Exception: the engine does not like what it finds.
        """
        self._engine = engine
        self._folder = folder
        self._most_bytes, self._most, self._keep_s, self._reserve = most_bytes, most, keep_s, reserve
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.evicted = 0
        self.dirty = False
        self._added = 0
        found = self._find()
        if found is None:
            self._check_room()
            found = folder / f"{_PREFIX}{_NO_VECTORS}-0"
            self._shard = self._create(found)
        else:
            self._shard = engine.EdgeShard.load(os.fspath(found))
        self._path = found
        self._remember()

    @property
    def entries(self) -> int:
        """How many answers there are."""
        return len(self._held)

    @property
    def overdue(self) -> bool:
        """Whether so much was added that it must be put in order now."""
        return self._added > self._most_bytes // 8

    def bytes(self) -> int:
        """Disk space that is really taken: files have holes."""
        total = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH118  # often
                except OSError:
                    continue
        return total

    def find(self, point: str) -> dict[str, Any] | None:
        """The answer of this number, if it may still be given."""
        if not self._is_fresh(point):
            return None
        found = self._shard.retrieve([point], with_payload=True, with_vector=False)
        if not found:
            del self._held[point]
            return None
        self._touch(point)
        return dict(found[0].payload)

    def find_near(self, near: str, vector: Vector, least: float) -> Near | None:
        """The answer whose question is most alike; None: none is alike enough."""
        maker, numbers = vector
        if self._path.name != _name(maker, len(numbers)):
            return None
        api = self._engine
        wanted = api.Filter(must=[api.FieldCondition("near", match=api.MatchValue(near))])
        nearest = api.Query.Nearest(numbers, using=_name_vector(maker))
        request = api.QueryRequest(
            limit=4, query=nearest, filter=wanted, with_payload=True, score_threshold=least
        )
        for each in self._shard.query(request):
            if each.score >= least and self._is_fresh(str(each.id)):
                self._touch(str(each.id))
                return Near(str(each.id), dict(each.payload), each.score)
        return None

    def keep(self, point: str, payload: Mapping[str, Any], vector: Vector | None) -> None:
        """Keep an answer.

        Raises:
            FullError: the disk has no room.
        """
        self._check_room()
        if vector and self._path.name != _name(vector[0], len(vector[1])):
            self._rewrite(vector[0], len(vector[1]))
        now = time.time()
        until = now + self._keep_s
        self._put(self._shard, point, {**payload, "used": now, "until": until}, vector)
        self._held[point] = (until, now)
        self._held.move_to_end(point)
        self.dirty = True
        self._added += _weigh(payload) + 4 * len(vector[1] if vector else ())
        if len(self._held) > self._most:
            self._drop([next(iter(self._held))])
            self.evicted += 1

    def forget(self, space: str = "", point: str = "") -> int:
        """Erase one answer, those of one space, or (neither is given) all; how many."""
        api = self._engine
        if point:
            points = [point] if point in self._held else []
        elif space:
            wanted = api.Filter(must=[api.FieldCondition("space", match=api.MatchValue(space))])
            points = [str(each.id) for each in self._scroll(self._shard, [], wanted)]
        else:
            points = list(self._held)
        self._drop(points)
        if not point:
            # what is erased is not to be read off the disk: where nothing can be written, all of it goes
            self._rewrite(self._maker, self._size, self._most_bytes if self._has_room() else 0)
        return len(points)

    def tidy(self) -> None:
        """Write to the disk what was kept, and stay within the budget."""
        stale = [point for point, (until, _) in self._held.items() if until <= time.time()]
        self._drop(stale)
        self.evicted += len(stale)
        # old and new lie side by side while it is written anew: both must fit
        if self.bytes() > self._most_bytes * 2 // 3 and self._has_room():
            self._rewrite(self._maker, self._size, self._most_bytes // 4)
        self._shard.flush()
        self.dirty = False
        self._added = 0

    def close(self) -> None:
        """Write everything to the disk."""
        self._shard.flush()
        self._shard.close()

    @property
    def _maker(self) -> str:
        return self._path.name.removeprefix(_PREFIX).rpartition("-")[0]

    @property
    def _size(self) -> int:
        return int(self._path.name.rpartition("-")[2])

    def _find(self) -> Path | None:
        """The shard that is there; what else lies in the folder was not finished, or is of older versions."""
        names = sorted(self._folder.glob(f"{_PREFIX}*"), key=lambda each: -each.stat().st_mtime_ns)
        for each in self._folder.iterdir():
            if each.is_dir() and each not in names[:1]:
                shutil.rmtree(each)
        return names[0] if names else None

    def _create(self, path: Path, maker: str = _NO_VECTORS, size: int = 0) -> Any:
        """A new shard; without a maker of vectors it has room for none and no index: entries have numbers."""
        api = self._engine
        cold = api.Memory.Cold  # else holes of 32 MiB are read into memory
        vectors: dict[str, Any] = {"sparse_vectors": {_name_vector(maker): api.EdgeSparseVectorParams()}}
        if size:
            params = api.EdgeVectorParams(size=size, distance=api.Distance.Cosine, memory=cold)
            vectors = {"vectors": {_name_vector(maker): params}}
        config = api.EdgeConfig(
            **vectors, payload_memory=cold, id_tracker_memory=cold, wal_enabled=False, max_search_threads=1
        )
        path.mkdir(mode=0o700)
        shard = api.EdgeShard.create(os.fspath(path), config)
        if size:
            index = api.KeywordIndexParams(memory=cold)
            shard.update(api.UpdateOperation.create_field_index("near", index))
        return shard

    def _rewrite(self, maker: str, size: int, most_bytes: int | None = None) -> None:
        """Copy the shard without what was dropped: the most recently used answers, up to so many bytes."""
        fresh = self._folder / _NEW
        shutil.rmtree(fresh, ignore_errors=True)
        shard = self._create(fresh, maker, size)
        same = self._maker == maker and self._size == size
        left = self._most_bytes if most_bytes is None else most_bytes
        kept: list[str] = []
        for point in reversed(self._held):
            found = self._shard.retrieve([point], with_payload=True, with_vector=same)
            if not found:
                continue
            payload = dict(found[0].payload)
            left -= _weigh(payload) + 4 * size
            if left < 0:
                break
            vectors = found[0].vector if same and isinstance(found[0].vector, dict) else {}
            self._put_vectors(shard, point, payload, vectors)
            kept.append(point)
        shard.flush()
        shard.close()
        self._shard.close()
        final = self._folder / _name(maker, size)
        old = self._path.rename(self._folder / _OLD)
        fresh.rename(final)
        shutil.rmtree(old)
        self._path, self._shard = final, self._engine.EdgeShard.load(os.fspath(final))
        self.evicted += len(self._held) - len(kept)
        self._held = OrderedDict((point, self._held[point]) for point in reversed(kept))

    def _put(self, shard: Any, point: str, payload: Mapping[str, Any], vector: Vector | None) -> None:
        vectors = {_name_vector(vector[0]): vector[1]} if vector else {}
        self._put_vectors(shard, point, payload, vectors)

    def _put_vectors(
        self, shard: Any, point: str, payload: Mapping[str, Any], vectors: Mapping[str, Any]
    ) -> None:
        entry = self._engine.Point(point, dict(vectors), dict(payload))
        shard.update(self._engine.UpdateOperation.upsert_points([entry]))

    def _drop(self, points: list[str]) -> None:
        if points:
            self._shard.update(self._engine.UpdateOperation.delete_points(points))
            self.dirty = True
        for point in points:
            self._held.pop(point, None)

    def _is_fresh(self, point: str) -> bool:
        if point not in self._held:
            return False
        until, _ = self._held[point]
        # the clock may have been set back: an answer out of the future is none
        return time.time() < until <= time.time() + self._keep_s

    def _touch(self, point: str) -> None:
        now = time.time()
        until, used = self._held[point]
        self._held.move_to_end(point)
        if now - used > _TOUCH_S:
            self._held[point] = (until, now)
            self._shard.update(self._engine.UpdateOperation.set_payload([point], {"used": now}))
            self.dirty = True

    def _remember(self) -> None:
        found = [
            (float(each.payload["used"]), float(each.payload["until"]), str(each.id))
            for each in self._scroll(self._shard, ["used", "until"], None)
        ]
        self._held = OrderedDict((point, (until, used)) for used, until, point in sorted(found))

    def _scroll(self, shard: Any, fields: list[str], wanted: Any) -> Iterator[Any]:
        offset = None
        while True:
            request = self._engine.ScrollRequest(
                offset=offset, limit=_PAGE, filter=wanted, with_payload=fields or False
            )
            found, offset = shard.scroll(request)
            yield from found
            if offset is None:
                return

    def _check_room(self) -> None:
        if not self._has_room():
            raise FullError("the disk is nearly full")

    def _has_room(self) -> bool:
        return has_room(self._folder, self._reserve)


def _weigh(payload: Mapping[str, Any]) -> int:
    """About how many bytes an entry takes."""
    return 1024 + sum(len(str(each).encode("utf-8", "replace")) for each in payload.values())


def _name(maker: str, size: int) -> str:
    return f"{_PREFIX}{maker}-{size}"


def _name_vector(maker: str) -> str:
    return f"by-{maker}"
