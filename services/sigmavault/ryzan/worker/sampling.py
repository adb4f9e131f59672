"""How the next token of one answer is chosen: llama.cpp's sampler chain, and a form (`form.py`) beside it.

As llama.cpp's own programs do, a token is chosen first and then held against the form; only where that
refuses it, the grammar goes over the whole vocabulary, which takes milliseconds.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sigmavault.core.chat import GenerateRequest, Likelihood, Sampling, TokenLogprob
from sigmavault.core.errors import InvalidRequestError
from sigmavault.ryzan.worker.form import Form, Forms, Vocabulary

NOTHING = -1
"""No token fits the form of the answer: it ends here."""

_REFUSALS = 8
"""So many tokens that would begin the form in a wrong way are tried before the answer is ended."""


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
        self.vocab = api.llama_model_get_vocab(api.llama_get_model(context))
        self.forms = Forms(api, self.vocab, words)
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
        self._form = probe.forms.open(grammar) if grammar else None
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
