"""The form of an answer: a grammar that every token is held against.

llama.cpp ends the process when a grammar is told to accept what it does not allow. So it is asked first,
always. A grammar with triggers sleeps until one of them is in the answer.

llama.cpp reads a control token as its spelling, but an answer does not show it: a string of five of them
would be an empty one. So a control token is no part of a form, unless its spelling is a text of the grammar;
then the answer shows it.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sigmavault.core.chat import Grammar
from sigmavault.core.errors import InvalidRequestError

_LONGEST_GRAMMAR = 256 * 1024
_KEPT_GRAMMARS = 4
_NO_TOKEN = -1


class Vocabulary(Protocol):
    """What is asked of the model's vocabulary."""

    @property
    def limits(self) -> Any:
        """Sizes of the context."""

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes of a token."""

    def text_of(self, token: int) -> str:
        """How the vocabulary writes a token."""

    def is_end(self, token: int) -> bool:
        """Whether a token ends an answer."""

    def silent(self) -> list[int]:
        """The tokens that an answer does not show and that do not end it."""


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A grammar that was read, from which the forms of answers are copied.

    Attributes:
        native: llama.cpp's; nothing is ever fed to it.
        hidden: tokens that it must not count, because answers do not show them.
        hide: llama.cpp's sampler that takes them away.
    """

    native: Any
    hidden: frozenset[int]
    hide: Any


class Forms:
    """Makes the forms of answers; several answers of one form cost one reading of its grammar."""

    def __init__(self, api: Any, vocab: Any, words: Vocabulary) -> None:
        """For one model."""
        self._api = api
        self.words = words
        self._vocab = vocab
        self._bytes: dict[int, int] | None = None
        self._silent: list[tuple[int, str]] | None = None
        self._parsed: dict[Grammar, _Parsed] = {}

    def open(self, grammar: Grammar) -> Form:
        """The form of one answer; it must be closed.

        Raises:
            InvalidRequestError: it is no grammar.
        """
        parsed = self._parsed.pop(grammar, None) or self._parse(grammar)
        self._parsed[grammar] = parsed  # the latest one last
        if len(self._parsed) > _KEPT_GRAMMARS:
            oldest = self._parsed.pop(next(iter(self._parsed)))
            self._api.llama_sampler_free(oldest.native)
            self._api.llama_sampler_free(oldest.hide)
        native, hide = map(self._api.llama_sampler_clone, (parsed.native, parsed.hide))
        own = _Parsed(native=native, hidden=parsed.hidden, hide=hide)
        return Form(self, self._api, own, grammar.triggers)

    def single_bytes(self) -> dict[int, int]:
        """For each byte the token that stands for just it, where there is one."""
        if self._bytes is None:
            self._bytes = {}
            for token in range(self.words.vocabulary):
                if len(piece := self.words.piece(token)) == 1:
                    self._bytes.setdefault(piece[0], token)
        return self._bytes

    def _parse(self, grammar: Grammar) -> _Parsed:
        native = self._compile(grammar.gbnf)
        if self._silent is None:
            self._silent = [(token, self.words.text_of(token)) for token in self.words.silent()]
        shown = "\0".join((grammar.gbnf, *grammar.triggers))
        hidden = [token for token, text in self._silent if text not in shown]
        never = (self._api.llama_logit_bias * len(hidden))(*((token, -math.inf) for token in hidden))
        hide = self._api.llama_sampler_init_logit_bias(self.words.vocabulary, len(hidden), never)
        return _Parsed(native=native, hidden=frozenset(hidden), hide=hide)

    def _compile(self, gbnf: str) -> Any:
        with _silence() as said:
            usable = 0 < len(gbnf) <= _LONGEST_GRAMMAR and "\0" not in gbnf
            native = usable and self._api.llama_sampler_init_grammar(self._vocab, gbnf.encode(), b"root")
            if native:
                return native
            reason = said().rpartition("error parsing grammar: ")[2]
        message = "the form of the answer cannot be compiled"
        raise InvalidRequestError(f"{message}: {reason}" if reason else message, param="grammar")


class Form:
    """The grammar of one answer, possibly asleep until a trigger has come."""

    def __init__(self, forms: Forms, api: Any, parsed: _Parsed, triggers: tuple[str, ...]) -> None:
        """Nothing was said yet.

        Args:
            forms: knows the vocabulary.
            api: llama.cpp.
            parsed: a copy that this one owns.
            triggers: texts that wake it up; none: it holds from the first token on.
        """
        self._forms = forms
        self._words = forms.words
        self._api = api
        self._parsed = parsed
        self._native = parsed.native
        self._triggers = [each.encode() for each in triggers if each]
        self._longest = max(map(len, self._triggers), default=0)
        self._tail = b""
        self.asleep = bool(triggers)
        self._begun = False
        self._one = ctypes.pointer(api.llama_token_data(id=0, logit=1.0, p=0.0))
        self._single = api.llama_token_data_array(data=self._one, size=1, selected=-1, sorted=False)

    def close(self) -> None:
        """Give its memory back."""
        self._api.llama_sampler_free(self._native)
        self._api.llama_sampler_free(self._parsed.hide)

    def restrict(self, candidates: Any) -> None:
        """Take away all candidates that do not fit."""
        self._api.llama_sampler_apply(self._parsed.hide, candidates)
        self._api.llama_sampler_apply(self._native, candidates)

    def shows(self, token: int) -> bool:
        """Whether a control token is a part of the form, and so of the text."""
        return token not in self._parsed.hidden and not self._words.is_end(token)

    def allows(self, token: int) -> bool:
        """Whether a token may come next; wakes up when it completes a trigger."""
        if not self.asleep:
            return self._fits(token)
        if self._words.is_end(token):
            return True
        seen = self._tail + self._words.piece(token, special=True)
        found = [at for at in map(seen.find, self._triggers) if at >= 0]
        return not found or self._begin(seen[min(found) :])

    def accept(self, token: int) -> None:
        """The token was taken: `allows` has said yes to it."""
        if self.asleep:
            seen = self._tail + self._words.piece(token, special=True)
            self._tail = seen[len(seen) - min(len(seen), self._longest) :]
        elif self._begun:  # it was read together with the trigger
            self._begun = False
        else:
            self._api.llama_sampler_accept(self._native, token)

    def _fits(self, token: int) -> bool:
        if token in self._parsed.hidden:
            return False
        one, single = self._one[0], self._single
        one.id, one.logit = token, 1.0
        single.size, single.selected = 1, -1
        self._api.llama_sampler_apply(self._native, ctypes.byref(single))
        return bool(one.logit != -math.inf)

    def _begin(self, text: bytes) -> bool:
        """Feed the text from a trigger on; False when the form does not begin like that.

        Byte by byte: the last token may reach beyond the trigger, and the first may begin before it.
        """
        spelling = self._forms.single_bytes()
        for byte in text:
            token = spelling.get(byte, _NO_TOKEN)
            if token == _NO_TOKEN or not self._fits(token):
                self._api.llama_sampler_reset(self._native)
                return False
            self._api.llama_sampler_accept(self._native, token)
        self.asleep, self._begun = False, True
        return True


@contextmanager
def _silence() -> Iterator[Callable[[], str]]:
    """Keep what native code prints from the log; gives a function that tells its first line.

    llama.cpp prints a grammar that it cannot read, and a grammar may hold what somebody wrote.
    """
    saved = os.dup(2)
    said = os.memfd_create("said")
    try:
        os.dup2(said, 2)
        yield lambda: os.pread(said, 300, 0).decode(errors="replace").partition("\n")[0]
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(said)
