"""How the next token of one answer is chosen: llama.cpp's sampler chain, and a grammar beside it.

As llama.cpp's own programs do, a token is chosen first and then held against the grammar; only where that
refuses it, the grammar goes over the whole vocabulary, which takes milliseconds. A grammar with triggers
sleeps until one of them is in the answer.

llama.cpp ends the process when a grammar is told to accept what it does not allow. So it is asked first,
always.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sigmavault.core.chat import GenerateRequest, Likelihood, Sampling, TokenLogprob
from sigmavault.core.errors import InvalidRequestError

NOTHING = -1
"""No token fits the form of the answer: it ends here."""

_REFUSALS = 8
"""So many tokens that would begin the form in a wrong way are tried before the answer is ended."""

_LONGEST_GRAMMAR = 256 * 1024


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


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen token.

    Attributes:
        token: which one; `NOTHING` when the answer cannot go on.
        logprob: how likely it was, when that was asked for.
    """

    token: int
    logprob: TokenLogprob | None = None


class Probe:
    """Runs a function on the candidates of a row of the last step.

    llama.cpp lays them out (every token of the vocabulary with its logit) for a sampler; this is one whose
    work is a Python function. Laying them out here would take longer than a decode step.
    """

    def __init__(self, api: Any, context: Any, words: Vocabulary) -> None:
        self.api = api
        self.context = context
        self.words = words
        self._bytes: dict[int, int] | None = None
        self.vocab = api.llama_model_get_vocab(api.llama_get_model(context))
        self._act: Callable[[Any], None] | None = None
        self._failure: BaseException | None = None
        # kept: C holds only pointers
        self._apply = api.llama_sampler_i_apply(self._run)
        self._interface = api.llama_sampler_i(apply=self._apply)
        self._chain = chain(api, [api.llama_sampler_init(ctypes.byref(self._interface), None)])
        self.greedy = api.llama_sampler_init_greedy()
        self._softmax = api.llama_sampler_init_dist(0)

    def _run(self, _sampler: Any, candidates: Any) -> None:
        try:
            if self._act is not None:
                self._act(candidates)
        except BaseException as error:  # C cannot pass it on
            self._failure = error
        if candidates[0].selected < 0:
            candidates[0].selected = 0  # llama.cpp ends the process without one

    def run(self, row: int, act: Callable[[Any], None]) -> None:
        """Call the function with a pointer to the candidates of the row of this number."""
        self._act, self._failure = act, None
        self.api.llama_sampler_sample(self._chain, self.context, row)
        if self._failure is not None:
            raise self._failure

    def single_bytes(self) -> dict[int, int]:
        """For each byte the token that stands for just it, where there is one."""
        if self._bytes is None:
            self._bytes = {}
            for token in range(self.words.vocabulary):
                if len(piece := self.words.piece(token)) == 1:
                    self._bytes.setdefault(piece[0], token)
        return self._bytes

    def likelihoods(self, row: int, chosen: int, count: int) -> list[tuple[int, float]]:
        """Tokens and their log probabilities: the chosen one, then the `count` likeliest."""
        found: list[tuple[int, float]] = []

        def act(candidates: Any) -> None:
            api, array = self.api, candidates[0]
            api.llama_sampler_apply(self._softmax, candidates)
            api.llama_sampler_apply(self.greedy, candidates)
            best = array.data[array.selected]
            # probabilities far from the best underflow; differences of logits do not
            total = best.logit - math.log(best.p)
            found.append((chosen, array.data[chosen].logit - total))
            if count:
                top = api.llama_sampler_init_top_k(count)
                api.llama_sampler_apply(top, candidates)
                api.llama_sampler_free(top)
                found.extend((each.id, each.logit - total) for each in array.data[: array.size])
            array.selected = 0

        self.run(row, act)
        return found


def chain(api: Any, steps: list[Any]) -> Any:
    """A chain of samplers; it owns them."""
    made = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
    for step in steps:
        api.llama_sampler_chain_add(made, step)
    return made


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


def _compile(probe: Probe, gbnf: str) -> Any:
    with _silence() as said:
        usable = 0 < len(gbnf) <= _LONGEST_GRAMMAR and "\0" not in gbnf
        native = usable and probe.api.llama_sampler_init_grammar(probe.vocab, gbnf.encode(), b"root")
        if native:
            return native
        reason = said().rpartition("error parsing grammar: ")[2]
    message = "the form of the answer cannot be compiled"
    raise InvalidRequestError(f"{message}: {reason}" if reason else message, param="grammar")


class Form:
    """The grammar of one answer, possibly asleep until a trigger has come."""

    def __init__(self, probe: Probe, gbnf: str, triggers: tuple[str, ...]) -> None:
        """Compile it.

        Raises:
            InvalidRequestError: it is no grammar.
        """
        self._probe = probe
        self._native = _compile(probe, gbnf)
        self._triggers = [each.encode() for each in triggers if each]
        self._longest = max(map(len, self._triggers), default=0)
        self._tail = b""
        self.asleep = bool(triggers)
        self._begun = False
        self._shown = "\0".join((gbnf, *triggers))
        api = probe.api
        self._one = ctypes.pointer(api.llama_token_data(id=0, logit=1.0, p=0.0))
        self._single = api.llama_token_data_array(data=self._one, size=1, selected=-1, sorted=False)

    def close(self) -> None:
        """Give its memory back."""
        self._probe.api.llama_sampler_free(self._native)

    def restrict(self, candidates: Any) -> None:
        """Take away all candidates that do not fit."""
        self._probe.api.llama_sampler_apply(self._native, candidates)

    def shows(self, token: int) -> bool:
        """Whether a control token is a part of the form, and so of the text."""
        return self._probe.words.text_of(token) in self._shown

    def allows(self, token: int) -> bool:
        """Whether a token may come next; wakes up when it completes a trigger."""
        if not self.asleep:
            return self._fits(token)
        if self._probe.words.is_end(token):
            return True
        seen = self._tail + self._probe.words.piece(token, special=True)
        found = [at for at in map(seen.find, self._triggers) if at >= 0]
        return not found or self._begin(seen[min(found) :])

    def accept(self, token: int) -> None:
        """The token was taken: `allows` has said yes to it."""
        if self.asleep:
            seen = self._tail + self._probe.words.piece(token, special=True)
            self._tail = seen[len(seen) - min(len(seen), self._longest) :]
        elif self._begun:  # it was read together with the trigger
            self._begun = False
        else:
            self._probe.api.llama_sampler_accept(self._native, token)

    def _fits(self, token: int) -> bool:
        one, single = self._one[0], self._single
        one.id, one.logit = token, 1.0
        single.size, single.selected = 1, -1
        self._probe.api.llama_sampler_apply(self._native, ctypes.byref(single))
        return bool(one.logit != -math.inf)

    def _begin(self, text: bytes) -> bool:
        """Feed the text from a trigger on; False when the form does not begin like that.

        Byte by byte: the last token may reach beyond the trigger, and the first may begin before it.
        """
        spelling = self._probe.single_bytes()
        for byte in text:
            token = spelling.get(byte, NOTHING)
            if token == NOTHING or not self._fits(token):
                self._probe.api.llama_sampler_reset(self._native)
                return False
            self._probe.api.llama_sampler_accept(self._native, token)
        self.asleep, self._begun = False, True
        return True


class Sampler:
    """Chooses the tokens of one answer."""

    def __init__(self, probe: Probe, request: GenerateRequest) -> None:
        """Make what the request asks for.

        Raises:
            InvalidRequestError: the grammar is none, or a token is not in the vocabulary.
        """
        self._probe = probe
        self._words = probe.words
        self._top = request.top_logprobs
        _check_bias(request.sampling, self._words.vocabulary)
        grammar = request.grammar
        self._form = Form(probe, grammar.gbnf, grammar.triggers) if grammar else None
        self._chain = chain(
            probe.api, [*_before(probe, request.sampling), *_after(probe.api, request.sampling)]
        )

    def close(self) -> None:
        """Give its memory back."""
        self._probe.api.llama_sampler_free(self._chain)
        if self._form:
            self._form.close()

    def choose(self, row: int) -> Choice:
        """Choose and take the token that follows the row of this number in the last step."""
        if self._form is None:
            token = int(self._probe.api.llama_sampler_sample(self._chain, self._probe.context, row))
        else:
            token = self._choose_formed(self._form, row)
        if self._top is None or token == NOTHING:
            return Choice(token)
        return Choice(token, self._tell(row, token, self._top))

    def piece(self, token: int) -> bytes:
        """The bytes of a token as the answer shows it."""
        piece = self._words.piece(token)
        if not piece and self._form and self._form.shows(token):
            return self._words.piece(token, special=True)
        return piece

    def _choose_formed(self, form: Form, row: int) -> int:
        refused: list[int] = []
        token = self._pick(row)
        while not form.allows(token):
            refused.append(token)
            token = self._pick(row, None if form.asleep else form, refused)
            if token == NOTHING or len(refused) > _REFUSALS:
                return NOTHING
        form.accept(token)
        self._probe.api.llama_sampler_accept(self._chain, token)
        return token

    def _pick(self, row: int, form: Form | None = None, refused: list[int] | None = None) -> int:
        """The chain's choice, if need be among what fits only."""
        api, picked = self._probe.api, NOTHING

        def act(candidates: Any) -> None:
            nonlocal picked
            array = candidates[0]
            for each in refused or ():
                array.data[each].logit = -math.inf
            if form is not None:
                form.restrict(candidates)
                api.llama_sampler_apply(self._probe.greedy, candidates)
                if array.data[array.selected].logit == -math.inf:
                    return
            api.llama_sampler_apply(self._chain, candidates)
            picked = int(array.data[array.selected].id)

        self._probe.run(row, act)
        return picked

    def _tell(self, row: int, token: int, count: int) -> TokenLogprob:
        chosen, *top = (
            Likelihood(token=self._words.piece(each, special=True), logprob=value)
            for each, value in self._probe.likelihoods(row, token, count)
        )
        return TokenLogprob(chosen=chosen, top=tuple(top))


def _check_bias(sampling: Sampling, vocabulary: int) -> None:
    for token, _ in sampling.logit_bias:
        if not 0 <= token < vocabulary:
            raise InvalidRequestError(f"the model has no token {token}", param="logit_bias")


# Samplers in llama.cpp's own order: first what changes logits, then what narrows the choice.


def _before(probe: Probe, sampling: Sampling) -> Iterator[Any]:
    api, words = probe.api, probe.words
    count = ctypes.c_int32()
    never = api.llama_vocab_get_suppress_tokens(probe.vocab, ctypes.byref(count))
    bias = [*sampling.logit_bias, *((never[at], -math.inf) for at in range(count.value))]
    if bias:
        entries = (api.llama_logit_bias * len(bias))(*bias)
        yield api.llama_sampler_init_logit_bias(words.vocabulary, len(bias), entries)
    if sampling.frequency_penalty or sampling.presence_penalty or sampling.repeat_penalty != 1:
        yield api.llama_sampler_init_penalties(
            words.vocabulary, words.limits.context, sampling.repeat_penalty, sampling.frequency_penalty,
            sampling.presence_penalty,
        )  # fmt: skip


def _after(api: Any, sampling: Sampling) -> Iterator[Any]:
    if sampling.temperature == 0:
        yield api.llama_sampler_init_greedy()
        return
    if sampling.top_k:
        yield api.llama_sampler_init_top_k(sampling.top_k)
    if sampling.top_p < 1:
        yield api.llama_sampler_init_top_p(sampling.top_p, 1)
    if sampling.min_p:
        yield api.llama_sampler_init_min_p(sampling.min_p, 1)
    yield api.llama_sampler_init_temp(sampling.temperature)
    yield api.llama_sampler_init_dist(sampling.seed)
