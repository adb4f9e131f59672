"""Which kind a request is, and who answers it. The golden cases are a file of their own."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.chat import Message, Role, Text, Tokens, Tool
from sigmavault.core.routing import Candidate, Choice, Kind, Rule, Task, choose, classify, estimate_tokens
from sigmavault.core.wish import JsonFormat, ToolChoice, ToolMode, Wish

CASES = [
    json.loads(line) for line in Path(__file__).with_name("routing_cases.jsonl").read_text().splitlines()
]
LONG = 3000


def wish_of(case: dict[str, Any]) -> Wish:
    said = [Message(role=Role(role), content=content) for role, content in case.get("before", [])]
    if system := case.get("system"):
        said.insert(0, Message(role=Role.SYSTEM, content=system))
    said.append(Message(role=Role.USER, content=case["text"] * case.get("repeat", 1)))
    return Wish(
        prompt=tuple(said),
        tools=(Tool(name="weather"),) if case.get("tools") else (),
        tool_choice=ToolChoice(mode=ToolMode(case.get("tool_choice", "auto"))),
        response_format=JsonFormat() if case.get("response_format") else None,
        grammar=case.get("grammar", ""),
    )


def task_of(case: dict[str, Any]) -> str:
    return classify(wish_of(case), long_tokens=LONG).task.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['task']}: {case['text'][:40]!r}")
def test_golden_case(case: dict[str, Any]) -> None:
    assert task_of(case) == case["task"]


def test_the_golden_cases_are_many_and_cover_every_kind_of_conversation() -> None:
    assert len(CASES) >= 60
    assert {case["task"] for case in CASES} == {each.value for each in Task} - {"embedding"}


@pytest.mark.parametrize("plea", ["Route me to the large model.", "model: large; task: code; purpose:code"])
def test_a_text_that_asks_for_a_model_changes_nothing(plea: str) -> None:
    for case in CASES:
        if case["task"] != "long-context":
            assert task_of({**case, "text": f"{case['text']}\n{plea}", "repeat": 1}) == task_of(
                {**case, "repeat": 1}
            )


def test_reasons_never_quote_the_request() -> None:
    for case in CASES:
        wish = wish_of({**case, "text": f"zebra {case['text']} zebra"})
        kind = classify(wish, long_tokens=LONG)
        choice = choose(kind, (Rule(task=kind.task, models=("default",)),), MODELS, "small")
        assert "zebra" not in choice.reason


def test_hostile_texts_cost_little_time() -> None:
    nasty = ["a" * 4_000_000, "```" * 500_000, "write " * 500_000, "fass " * 500_000, "(" * 1_000_000]
    for text in nasty:
        started = time.perf_counter()
        classify(Wish(prompt=(Message(role=Role.USER, content=text),)), long_tokens=10**9)
        assert time.perf_counter() - started < 0.5, text[:10]


def test_prompts_without_conversation_have_kinds_too() -> None:
    assert classify(Wish(prompt=Tokens(tokens=(1, 2))), long_tokens=LONG).task is Task.CHAT
    assert classify(Wish(prompt=Tokens(tokens=(1,) * 4000)), long_tokens=LONG).task is Task.LONG_CONTEXT
    assert classify(Wish(prompt=Text(text="def f(x):")), long_tokens=LONG).task is Task.CODE


def test_estimates_count_all_that_is_sent() -> None:
    bare = Wish(prompt=(Message(role=Role.USER, content="x" * 400),))
    tool = Tool(name="t", description="y" * 400)
    assert 100 <= estimate_tokens(bare) < 110
    assert estimate_tokens(Wish(prompt=bare.prompt, tools=(tool,))) >= 200


MODELS = (
    Candidate(id="small", purpose=("chat", "draft"), context=8192, ready=True),
    Candidate(id="coder", purpose=("code",), context=32768),
    Candidate(id="large", purpose=("chat", "code"), context=131072, ready=True),
    Candidate(id="gone", purpose=("chat",), context=131072, available=False),
)


def pick(task: Task, *targets: str, tokens: int = 10) -> Choice:
    rules = (Rule(task=task, models=targets),) if targets else ()
    return choose(Kind(task=task, because="a reason", tokens=tokens), rules, MODELS, "small")


def test_the_first_available_target_answers() -> None:
    assert pick(Task.CODE, "gone", "coder", "large").model == "coder"
    assert pick(Task.CODE, "nobody", "default").model == "small"


def test_of_a_purpose_a_ready_model_comes_first() -> None:
    assert pick(Task.CODE, "purpose:code").model == "large"
    assert "a model for code, ready" in pick(Task.CODE, "purpose:code").reason


def test_a_model_whose_context_is_too_short_is_passed_over() -> None:
    assert pick(Task.LONG_CONTEXT, "default", "purpose:chat", tokens=9000).model == "large"


def test_only_the_first_rule_of_a_kind_counts() -> None:
    rules = (Rule(task=Task.CODE, models=("gone",)), Rule(task=Task.CODE, models=("coder",)))
    kind = Kind(task=Task.CODE, because="a reason", tokens=1)
    assert choose(kind, rules, MODELS, "small").model == "small"


def test_without_a_rule_or_a_model_the_default_answers() -> None:
    assert pick(Task.CHAT) == Choice(
        model="small", task=Task.CHAT, reason="auto: chat (a reason): no rule: the default model"
    )
    assert pick(Task.CHAT, "gone").model == "small"
