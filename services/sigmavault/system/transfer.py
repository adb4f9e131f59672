"""One model, from whichever source has it, to a file with its name. Blocks: for a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sigmavault.core.downloads.mirrors import Candidate, HttpCandidate
from sigmavault.core.downloads.pace import MOST_ATTEMPTS, Limit, Stall, rest_s
from sigmavault.core.downloads.reply import MAGIC, Asked, require_magic
from sigmavault.core.errors import OperationError, SourceGoneError, SourceRefusedError
from sigmavault.core.manifest import Model
from sigmavault.system.fetch import Body, Control, Way, open_folder, open_http
from sigmavault.system.part_file import PartFile, discard

_READ: Final = 120 * 1024
"""From 128 KiB on malloc(3) maps and unmaps each piece: a third of a second more of CPU time for each GB."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Who hears how it goes; called from the transfer's thread.

    Attributes:
        bytes_here: how many bytes of the file are here.
        says: what it comes from, and why it waits; empty for no reason.
        verifies: all of it is here.
    """

    bytes_here: Callable[[int], object]
    says: Callable[[str, str], object]
    verifies: Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What is to be fetched.

    Attributes:
        model: of the manifest.
        folder: where to.
        candidates: where from, in the order to try.
        way: how the outside is reached.
        limit: most bytes per second; 0: no limit.
        rest_s: how long to wait after so many rounds without a byte.
    """

    model: Model
    folder: Path
    candidates: Sequence[Candidate]
    way: Way
    limit: int = 0
    rest_s: Callable[[int, int], float] = rest_s

    def run(self, control: Control, ears: Ears) -> Path:
        """Fetch it; returns its path. What has come stays, whatever happens, and is gone on with.

        Raises:
            SourceRefusedError: no source has it; the message has all reasons.
            SourceGoneError: they do not answer.
            OperationError: it cannot be written.
            StoppedError: somebody has told it to stop.
        """
        with PartFile(self.folder, self.model) as part:
            part.hash_beginning(control)
            try:
                _Attempts(self, part, control, ears).run()
            except OperationError:
                if not part.there:  # nothing that is worth going on with
                    discard(self.folder, self.model.file)
                raise
            return part.finish()


class _Attempts:
    """Rounds over all sources, until one has brought the rest."""

    def __init__(self, transfer: Transfer, part: PartFile, control: Control, ears: Ears) -> None:
        self._transfer, self._part, self._control, self._ears = transfer, part, control, ears
        self._limit = Limit(transfer.limit, time.monotonic())
        self._refused: list[OperationError] = []

    def run(self) -> None:
        left = list(self._transfer.candidates)
        rounds, gone = 0, list[SourceGoneError]()
        while left:
            before, gone = self._part.there, []
            for candidate in tuple(left):
                try:
                    self._whole(candidate)
                except SourceGoneError as error:
                    gone.append(error)
                except SourceRefusedError as error:
                    self._refused.append(error)
                    left.remove(candidate)
                    _log.warning("%s: %s", self._transfer.model.id, error.message)
                else:
                    return
            rounds = 1 if self._part.there > before else rounds + 1
            if not left or rounds > MOST_ATTEMPTS:
                break
            self._rest(rounds, gone)
        raise _all_reasons(self._refused, gone)

    def _rest(self, rounds: int, gone: Sequence[SourceGoneError]) -> None:
        self._ears.says("", gone[-1].message)
        _log.info("%s: %s; try %d of %d", self._transfer.model.id, gone[-1].message, rounds, MOST_ATTEMPTS)
        self._control.sleep(self._transfer.rest_s(rounds, max(each.retry_after_s for each in gone)))

    def _whole(self, candidate: Candidate) -> None:
        """All that is missing from one source; what turns out to be damaged is fetched once more."""
        part = self._part
        for is_last in (False, True):
            try:
                self._rest_of_it(candidate)
            except SourceRefusedError as error:
                if is_last or not error.restart or not part.there:
                    raise
                _log.warning("%s: %s; it begins anew", self._transfer.model.id, error.message)
                part.restart()
                continue
            self._ears.verifies()
            if part.is_right:
                return
            was_pieced, digest = part.is_pieced, part.digest
            part.restart()
            self._ears.bytes_here(0)
            if is_last or not was_pieced:
                raise SourceRefusedError(
                    f"what {candidate.name} has is another file: its sha256 is {digest},"
                    f" it must be {part.sha256}"
                )
            _log.warning("%s: pieced together it has the wrong sha256; it begins anew", part.sha256[:12])

    def _rest_of_it(self, candidate: Candidate) -> None:
        part = self._part
        if part.there < len(MAGIC):
            part.restart()
        asked = Asked(
            name=candidate.name, offset=part.there, size=part.size, etag=part.etag_of(candidate.name)
        )
        if asked.offset == asked.size:
            return
        with self._open(candidate, asked) as body:
            if body.begin.offset != part.there:
                part.restart()
            part.is_pieced = part.is_pieced or part.there > 0
            part.begin(candidate.name, body.begin.etag)
            self._ears.says(candidate.name, "")
            self._receive(body, candidate.name)
        if part.there != part.size:
            part.is_pieced = True
            raise SourceGoneError(f"{candidate.name} broke off after {part.there} of {part.size} bytes")

    def _open(self, candidate: Candidate, asked: Asked) -> AbstractContextManager[Body]:
        if isinstance(candidate, HttpCandidate):
            return open_http(candidate, asked, self._transfer.way, self._control)
        return open_folder(candidate, asked, self._control)

    def _receive(self, body: Body, name: str) -> None:
        part, control, limit, ears = self._part, self._control, self._limit, self._ears
        stall = Stall(time.monotonic())
        beginning = b""
        came = 0
        with part.writing() as writing:
            while piece := body.read(_READ):
                came += len(piece)
                if part.there + len(piece) > part.size:
                    raise SourceRefusedError(f"{name} sends more than {part.size} bytes")
                if not part.there:  # before anything else of it is believed
                    beginning += piece
                    if len(beginning) < len(MAGIC):
                        continue
                    require_magic(name, beginning)
                    piece, beginning = beginning, b""
                writing.write(piece)
                ears.bytes_here(part.there)
                now = time.monotonic()
                if stall.look(came, now):
                    raise SourceGoneError(f"{name} stalls")
                control.sleep(limit.wait_s(len(piece), now))
            if beginning:
                raise SourceRefusedError(f"what {name} sends is no model file: it ends after its first bytes")


def _all_reasons(refused: Sequence[OperationError], gone: Sequence[SourceGoneError]) -> OperationError:
    texts = "; ".join(dict.fromkeys(each.message for each in (*refused, *gone))) or "there is no source"
    if gone:
        return SourceGoneError(texts, "asked for again, it goes on where it was")
    return SourceRefusedError(texts)
