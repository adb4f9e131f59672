"""Who answers a request for the model `auto`: its kind, by cheap features, then the first available model.

Everything is decided by form: key words, code, lengths, whether tools are there. A text that asks to be
sent to some model changes nothing: no name of a model is looked for in it. Reasons never quote it.
`tests/unit/core/routing_cases.jsonl` has what is expected of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sigmavault.core import routing_words as words
from sigmavault.core.chat import Message, Role, Text, Tokens
from sigmavault.core.wish import ToolMode, Wish

AUTO = "auto"
DEFAULT = "default"
PURPOSE = "purpose:"

_BYTES_PER_TOKEN = 4
"""Of UTF-8, about: four letters of English, one and a third of an ideograph."""

_PER_MESSAGE = 4
_LOOKED_AT = 4000
"""Characters at the beginning and at the end of the last message in which key words are looked for."""


class Task(StrEnum):
    """The kinds of requests, in the order in which they are tried."""

    TOOLS = "tools"
    LONG_CONTEXT = "long-context"
    EXTRACTION = "extraction"
    CODE = "code"
    SUMMARY = "summary"
    COMMAND = "command"
    QUESTION = "question"
    CHAT = "chat"
    """None of the others."""
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a request is.

    Attributes:
        task: its kind.
        because: what decided that, in words of ours.
        tokens: estimated length of the prompt.
    """

    task: Task
    because: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who answers one kind of request.

    Attributes:
        task: the kind.
        models: ids, `purpose:NAME` or `default`; the first one available.
    """

    task: Task
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that could answer.

    Attributes:
        id: of the model.
        purpose: what it is good for.
        context: longest prompt plus answer, in tokens.
        ready: whether it can be asked without loading it first.
        available: whether it is ready or can be loaded, as far as anybody knows.
    """

    id: str
    purpose: tuple[str, ...]
    context: int
    ready: bool = False
    available: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who answers, and why."""

    model: str
    task: Task
    reason: str


def classify(wish: Wish, *, long_tokens: int) -> Kind:
    """The kind of a request.

    Args:
        wish: the request.
        long_tokens: prompts estimated longer than this are long.
    """
    tokens = estimate_tokens(wish)
    task, because = _decide(wish, tokens, long_tokens)
    return Kind(task=task, because=because, tokens=tokens)


def choose(kind: Kind, rules: Sequence[Rule], candidates: Sequence[Candidate], default: str) -> Choice:
    """Who answers: the first available model that the first rule for this kind names, else the default one.

    Of the models of a purpose those that are ready come first, else the order of the candidates holds.
    """
    rule = next((each for each in rules if each.task is kind.task), None)
    for target in rule.models if rule else ():
        for each in _expand(target, candidates, default):
            if each.available and each.context > kind.tokens:
                state = "ready" if each.ready else "to be loaded"
                reason = f"auto: {kind.task} ({kind.because}): {_spell(target)}, {state}"
                return Choice(model=each.id, task=kind.task, reason=reason)
    why = "no model of its rule is available" if rule else "no rule"
    return Choice(
        model=default, task=kind.task, reason=f"auto: {kind.task} ({kind.because}): {why}: the default model"
    )


def estimate_tokens(wish: Wish) -> int:
    """About how long the prompt is, in tokens."""
    match wish.prompt:
        case Tokens(tokens=tokens):
            return len(tokens)
        case Text(text=text):
            return len(text.encode(errors="replace")) // _BYTES_PER_TOKEN
    size = sum(len(each.content.encode(errors="replace")) for each in wish.prompt)
    size += sum(len(call.arguments) for each in wish.prompt for call in each.tool_calls)
    size += sum(len(tool.description) + len(str(tool.parameters)) for tool in wish.tools)
    return size // _BYTES_PER_TOKEN + _PER_MESSAGE * len(wish.prompt)


def _decide(wish: Wish, tokens: int, long_tokens: int) -> tuple[Task, str]:
    if wish.tools and wish.tool_choice.mode is not ToolMode.NONE:
        return Task.TOOLS, "tools are given"
    if tokens > long_tokens:
        return Task.LONG_CONTEXT, f"about {tokens} tokens"
    if wish.response_format is not None or wish.grammar:
        return Task.EXTRACTION, "the form of the answer is given"
    if isinstance(wish.prompt, Tokens):
        return Task.CHAT, "a prompt of token numbers"
    return _read(_last_said(wish.prompt))


def _last_said(prompt: tuple[Message, ...] | Text) -> str:
    """What the user said last: earlier turns and the system prompt say nothing about this request."""
    if isinstance(prompt, Text):
        return prompt.text
    return next((each.content for each in reversed(prompt) if each.role is Role.USER), "")


def _read(said: str) -> tuple[Task, str]:
    if len(said) > 2 * _LOOKED_AT:
        said = f"{said[:_LOOKED_AT]}\n{said[-_LOOKED_AT:]}"
    prose = words.without_blocks(said)
    if words.asks_for_code(prose):
        return Task.CODE, "key words of code"
    if words.holds_code(said):
        return Task.CODE, "there is code in it"
    for task, pattern in _BY_WORDS:
        if pattern.search(prose):
            return task, f"key words of {task}"
    return Task.CHAT, "nothing particular"


_BY_WORDS = (
    (Task.EXTRACTION, words.EXTRACTION),
    (Task.SUMMARY, words.SUMMARY),
    (Task.COMMAND, words.COMMAND),
    (Task.QUESTION, words.QUESTION),
)


def _expand(target: str, candidates: Sequence[Candidate], default: str) -> Iterator[Candidate]:
    if target.startswith(PURPOSE):
        fitting = [each for each in candidates if target.removeprefix(PURPOSE) in each.purpose]
        yield from sorted(fitting, key=lambda each: not each.ready)
        return
    wanted = default if target == DEFAULT else target
    yield from (each for each in candidates if each.id == wanted)


def _spell(target: str) -> str:
    if target == DEFAULT:
        return "the default model"
    return (
        f"a model for {target.removeprefix(PURPOSE)}" if target.startswith(PURPOSE) else "named by its rule"
    )
