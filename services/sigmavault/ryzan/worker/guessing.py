"""Whether this model's answers are guessed ahead, and by what: decided once, when the model is idle."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sigmavault.core.errors import InvalidRequestError, ModelRefusedError
from sigmavault.ryzan.worker.draft import Draft
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.gain import measure, prompts
from sigmavault.ryzan.worker.llama import Llama
from sigmavault.ryzan.worker.reading import Reader
from sigmavault.ryzan.worker.speculate import Lookup, Proposer
from sigmavault.ryzan.worker.states import identify
from sigmavault.ryzan.worker.verdict import MOST_ATTEMPTS, Verdict, Verdicts

LOOKUP = "prompt lookup"
DRAFT = "draft model"


_PAUSE_S = 600.0
"""Before what could not be measured is tried again."""


class Mode(StrEnum):
    """Who decides."""

    OFF = "off"
    AUTO = "auto"
    """A measurement on this machine."""
    LOOKUP = "lookup"
    """Always on: for tests and measurements."""
    DRAFT = "draft"
    """Always on: for tests and measurements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was configured.

    Attributes:
        mode: who decides.
        file: the model.
        runtime: folder of the third-party runtime.
        draft: file of a model that could guess for it; None: there is none.
        verdicts: folder for what was measured; None: it is measured at every start.
        cpu: what the processor calls itself.
    """

    mode: Mode
    file: Path
    runtime: Path
    draft: Path | None = None
    verdicts: Path | None = None
    cpu: str = ""


class Guessing:
    """Switches guessing on and off for one model."""

    def __init__(self, engine: Engine, llama: Llama, reader: Reader, choice: Choice) -> None:
        """Nothing is guessed before `work` was called."""
        self._engine = engine
        self._llama = llama
        self._reader = reader
        self._choice = choice
        self._verdicts = Verdicts(choice.verdicts)
        self._draft: Draft | None = None
        self._refused = ""
        self._threads = (0, 0)
        self._is_open = not llama.recurrent
        self._not_before = 0.0
        self.text = "off: not measured yet"
        if llama.recurrent:
            self.text = "off: the model's state cannot be taken back"

    @property
    def has_work(self) -> bool:
        """Whether `work` would do anything."""
        return self._is_open and time.monotonic() >= self._not_before

    def follow(self, decode: int, prefill: int) -> None:
        """So many threads compute from now on: another number is measured anew."""
        if self._draft:
            self._draft.set_threads(decode, prefill)
        if decode != self._threads[0] and not self._llama.recurrent:
            self._engine.speculate(None)
            self._is_open, self.text = True, "off: not measured yet"
        self._threads = (decode, prefill)

    def work(self, is_wanted: Callable[[], bool]) -> None:
        """Decide, in a quiet moment.

        Args:
            is_wanted: whether somebody asks the model for something: then it is put off.
        """
        self._is_open = False
        match self._choice.mode:
            case Mode.LOOKUP:
                self._use(LOOKUP, "on: by prompt lookup, as told")
            case Mode.DRAFT:
                self._use(DRAFT, "on: by draft model, as told")
            case Mode.AUTO:
                self._decide(is_wanted)

    def _decide(self, is_wanted: Callable[[], bool]) -> None:
        key = self._key()
        known = self._verdicts.read(key)
        if isinstance(known, int):
            if known >= MOST_ATTEMPTS:
                self.text = "off: the process ended while it was measured"
                return
            self._verdicts.attempt(key, known + 1)
            verdict = self._measure(is_wanted)
            if verdict is None:
                self._verdicts.attempt(key, known)
                self._put_off(is_interrupted=is_wanted())
                return
            self._verdicts.keep(key, verdict)
            known = verdict
        self._use(known.best, known.spell())

    def _put_off(self, *, is_interrupted: bool) -> None:
        self._is_open = True
        if is_interrupted:
            self.text = "off: not measured yet"
        else:
            self.text = "off: the machine is too busy, or too slow, to measure it"
            self._not_before = time.monotonic() + _PAUSE_S
            self._drop_draft()

    def _measure(self, is_wanted: Callable[[], bool]) -> Verdict | None:
        proposers: dict[str, Proposer] = {LOOKUP: Lookup()}
        if draft := self._open_draft():
            proposers[DRAFT] = draft
        if is_wanted():
            return None
        with contextlib.suppress(InvalidRequestError):  # a template of its own mind, a tiny context
            converses = bool(self._reader.template_source)
            asked = [self._reader.read(each) for each in prompts(converses=converses)]
            return measure(self._engine, asked, proposers, is_wanted)
        return None

    def _use(self, kind: str, text: str) -> None:
        proposer: Proposer | None = None
        if kind == LOOKUP:
            proposer = Lookup()
        elif kind == DRAFT:
            proposer = self._open_draft()
            text = text if proposer else "off"
        self._engine.speculate(proposer)
        if proposer is not self._draft:
            self._drop_draft()
        self.text = f"{text}; {self._refused}" if self._refused else text

    def _drop_draft(self) -> None:
        if self._draft:
            self._draft.close()
            self._draft = None

    def _open_draft(self) -> Draft | None:
        if self._draft is None and self._choice.draft is not None and not self._refused:
            try:
                self._draft = Draft(
                    self._choice.draft, runtime=self._choice.runtime, beside=self._llama,
                    threads=self._threads[0],
                )  # fmt: skip
                self._draft.set_threads(*self._threads)
            except ModelRefusedError as error:
                self._refused = error.message
        return self._draft

    def _key(self) -> str:
        """What a verdict holds for."""
        parts = [self._llama.version, self._choice.cpu, str(self._threads[0])]
        if self._choice.draft is not None:
            with contextlib.suppress(OSError):  # whoever opens it says so
                parts.append(identify(self._choice.draft).hex())
        return hashlib.sha256(identify(self._choice.file, *parts)).hexdigest()[:32]
