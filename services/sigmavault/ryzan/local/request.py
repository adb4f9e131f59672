"""From a wish to what a model process is asked."""

from __future__ import annotations

import random

from sigmavault.core.chat import Conversation, GenerateRequest, Reuse, Sampling, Text, Tokens
from sigmavault.core.manifest import SamplingDefaults
from sigmavault.core.wish import Wish

_SEEDS = 2**32 - 1  # the largest 32-bit number means "random" to llama.cpp


def complete(wish: Wish, defaults: SamplingDefaults) -> GenerateRequest:
    """The request with every open choice made; what the wish leaves open is the model's default."""
    seed = random.randrange(_SEEDS) if wish.seed is None else wish.seed % _SEEDS  # noqa: S311
    sampling = Sampling(
        temperature=defaults.temperature if wish.temperature is None else wish.temperature,
        top_p=defaults.top_p if wish.top_p is None else wish.top_p,
        top_k=defaults.top_k if wish.top_k is None else wish.top_k,
        min_p=defaults.min_p if wish.min_p is None else wish.min_p,
        seed=seed,
        frequency_penalty=wish.frequency_penalty,
        presence_penalty=wish.presence_penalty,
        repeat_penalty=wish.repeat_penalty,
        logit_bias=wish.logit_bias,
    )
    given = wish.prompt
    return GenerateRequest(
        prompt=given if isinstance(given, Text | Tokens) else Conversation(messages=given),
        sampling=sampling,
        max_tokens=wish.max_tokens,
        stop=wish.stop,
        top_logprobs=wish.top_logprobs,
        reuse=Reuse(space=wish.caller.space, key=wish.cache_key),
    )
