"""From a wish to what a model process is asked."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from sigmavault.core.chat import (
    Conversation,
    GenerateRequest,
    Grammar,
    Prompt,
    Reuse,
    Sampling,
    Text,
    Tokens,
)
from sigmavault.core.errors import InvalidRequestError, NotAuthorizedError
from sigmavault.core.grammar import any_json_object, compile_schema
from sigmavault.core.manifest import SamplingDefaults
from sigmavault.core.tools import MAX_CALLS, ToolFormat, allowed_tools, call_grammar, conversation
from sigmavault.core.wish import JsonFormat, ToolMode, Wish

LONGEST_GRAMMAR = 64 * 1024
"""Characters of a grammar that a caller brings."""

_SEEDS = 2**32 - 1  # the largest 32-bit number means "random" to llama.cpp
_ROOT = "uid:0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """How calls are found in an answer.

    Attributes:
        written: how the model writes them.
        tools: names that may be called.
        most: calls in one answer.
        leading: an answer that does not begin with a call calls nothing.
    """

    written: ToolFormat
    tools: tuple[str, ...]
    most: int
    leading: bool


def check(wish: Wish) -> None:
    """Refuse what no model is asked.

    A grammar that a caller brings can keep llama.cpp busy for ever (it follows all alternatives at once), and
    with it everybody who asks that model: only root may.

    Raises:
        InvalidRequestError: parts of the wish exclude each other.
        NotAuthorizedError: it has a grammar, and the caller is not root.
    """
    if wish.tools and isinstance(wish.prompt, Text | Tokens):
        raise InvalidRequestError("tools are for conversations", param="tools")
    if not wish.grammar:
        return
    if wish.tools or wish.response_format is not None:
        raise InvalidRequestError(
            "a grammar cannot be had together with tools or a response_format", param="grammar"
        )
    if wish.caller.space != _ROOT:
        raise NotAuthorizedError("a grammar is taken from root only, over the Unix socket")
    if len(wish.grammar) > LONGEST_GRAMMAR:
        raise InvalidRequestError(f"longer than {LONGEST_GRAMMAR} characters", param="grammar")


def form_of(wish: Wish, written: ToolFormat) -> Grammar | None:
    """What form the answer must have; None: any.

    May take a second for a large schema.

    Raises:
        InvalidRequestError: a schema cannot be held, or there is no such tool.
    """
    if wish.grammar:
        return Grammar(gbnf=wish.grammar)
    form = wish.response_format
    calls = call_grammar(
        wish.tools, wish.tool_choice, parallel=wish.parallel_tool_calls, written=written, instead=form
    )
    if calls is not None or form is None:
        return calls
    return Grammar(gbnf=_compile(form))


def _compile(form: JsonFormat) -> str:
    if form.schema is None:
        return any_json_object()
    return compile_schema(form.schema, param="response_format", strict=form.strict)


def calling_of(wish: Wish, written: ToolFormat) -> Calling | None:
    """How calls are found in the answer; None when there can be none.

    Raises:
        InvalidRequestError: the tool that must be called is not there.
    """
    allowed = allowed_tools(wish.tools, wish.tool_choice)
    if not allowed:
        return None
    return Calling(
        written=written,
        tools=tuple(each.name for each in allowed),
        most=MAX_CALLS if wish.parallel_tool_calls else 1,
        leading=wish.response_format is not None and wish.tool_choice.mode is ToolMode.AUTO,
    )


def complete(
    wish: Wish,
    defaults: SamplingDefaults,
    written: ToolFormat = ToolFormat.GENERIC,
    form: Grammar | None = None,
) -> GenerateRequest:
    """The request of the first choice; what the wish leaves open is the model's default.

    Args:
        wish: what the caller asks.
        defaults: of the model.
        written: how the model writes calls.
        form: that the answer must have.

    Raises:
        InvalidRequestError: the tool that must be called is not there.
    """
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
    return GenerateRequest(
        prompt=_prompt(wish, written),
        sampling=sampling,
        max_tokens=wish.max_tokens,
        stop=wish.stop,
        grammar=form,
        top_logprobs=wish.top_logprobs,
        reuse=Reuse(space=wish.caller.space, key=wish.cache_key),
    )


def _prompt(wish: Wish, written: ToolFormat) -> Prompt:
    if isinstance(wish.prompt, Text | Tokens):
        return wish.prompt
    said: Conversation = conversation(wish.prompt, wish.tools, wish.tool_choice, written)
    return said


def each_choice(first: GenerateRequest, choices: int) -> tuple[GenerateRequest, ...]:
    """The requests of all choices: of each seed from the first one's on; one when all would be the same."""
    if first.sampling.temperature == 0:
        return (first,)
    seeds = ((first.sampling.seed + at) % _SEEDS for at in range(choices))
    return tuple(replace(first, sampling=replace(first.sampling, seed=seed)) for seed in seeds)
