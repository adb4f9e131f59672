"""A small model that guesses how a larger one goes on: in the same process, with a context of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sigmavault.core.chat import GenerateRequest, Sampling, Tokens
from sigmavault.core.errors import ModelRefusedError
from sigmavault.ryzan.worker.llama import Limits, Llama, Span
from sigmavault.ryzan.worker.prefix import common

_LIKELIEST = GenerateRequest(
    prompt=Tokens(tokens=()), sampling=Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=0)
)

_BATCH = 256
"""Tokens that it reads beside one step of the other model: a cancelled request waits for both."""

_LONGEST_GAP = 1024
"""Of a longer text that it has not read it guesses nothing: reading would take longer than guesses save."""


class Draft:
    """A loaded draft model; a `Proposer`."""

    def __init__(self, file: Path, *, runtime: Path, beside: Llama, threads: int) -> None:
        """Load the file.

        Args:
            file: of the draft model.
            runtime: folder of the third-party runtime.
            beside: the model whose answers it guesses.
            threads: how many compute.

        Raises:
            ModelRefusedError: it cannot be loaded, has another vocabulary, or cannot take guesses back.
        """
        limits = Limits(context=beside.limits.context, sequences=1, batch=_BATCH)
        self._llama = Llama(file, runtime=runtime, limits=limits, threads=threads)
        if reason := _unfit(self._llama, beside):
            self._llama.close()
            raise ModelRefusedError(f"{file.name} cannot draft: {reason}")
        self._sampler = self._llama.open_sampler(_LIKELIEST)
        self._read: list[int] = []

    def propose(self, tokens: list[int], count: int) -> list[int]:
        """What this model would say, up to an end; nothing while it has yet to read what was said so far."""
        have = min(common(self._read, tokens), len(tokens) - 1)
        count = min(count, self._llama.limits.context - len(tokens) + 1)
        missing = tokens[have:]
        if len(missing) > _LONGEST_GAP or count < 1:
            return []
        self._llama.cut(0, have)
        del self._read[have:]
        if len(missing) > _BATCH:
            self._feed(missing[:_BATCH])
            return []
        guesses: list[int] = []
        while self._feed(missing):
            token = self._sampler.choose(-1).token
            if self._llama.is_end(token):
                break
            guesses.append(token)
            if len(guesses) == count:
                break
            missing = [token]
        return guesses

    def _feed(self, tokens: list[int]) -> bool:
        span = Span(tokens=tokens, position=len(self._read), sequence=0, output=True)
        fits = self._llama.decode([span])
        if fits:
            self._read += tokens
        return fits

    def set_threads(self, decode: int, prefill: int) -> None:
        """From the next step on, compute with so many threads."""
        self._llama.set_threads(decode, prefill)

    def close(self) -> None:
        """Give its memory back."""
        self._sampler.close()
        self._llama.close()


def _unfit(draft: Llama, model: Llama) -> str:
    """Why a draft's guesses mean nothing to a model; empty when they do."""
    if draft.recurrent:
        return "its state cannot be taken back"
    if draft.vocabulary != model.vocabulary:
        return f"it knows {draft.vocabulary:,} tokens, the model {model.vocabulary:,}"
    if _words(draft) != _words(model):
        return "its tokens stand for other texts than the model's"
    return ""


def _words(llama: Llama) -> bytes:
    digest = hashlib.sha256()
    for token in range(llama.vocabulary):
        text = llama.text_of(token).encode(errors="replace")
        digest.update(b"%d " % len(text) + text)
    return digest.digest()
