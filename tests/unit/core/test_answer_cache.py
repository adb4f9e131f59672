"""What may be given again, to whom, and what makes another question of a question."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sigmavault.core.answer_cache import (
    LEAST_SIMILARITY,
    Kept,
    Source,
    keys_of,
    least_similarity,
    may_be_kept,
)
from sigmavault.core.answer_words import fixed_parts
from sigmavault.core.chat import Message, Role, Text, Tokens, Tool, ToolCall
from sigmavault.core.manifest import SamplingDefaults
from sigmavault.core.wish import AnswerCaching, Caller, JsonFormat, ToolChoice, ToolMode, Wish

SAMPLED = SamplingDefaults(temperature=0.7)
SOURCE = Source(model="m", file="f", engine="e", defaults=SAMPLED)


def user(text: str) -> tuple[Message, ...]:
    return (Message(role=Role.USER, content=text),)


ME = Caller(space="uid:1000")
WISH = Wish(prompt=user("How full is tank?"), temperature=0.0, caller=ME)

OTHER: dict[str, Any] = {
    "prompt": user("How full is tank? "),
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 1,
    "min_p": 0.1,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "repeat_penalty": 1.1,
    "logit_bias": ((1, 1.0),),
    "max_tokens": 5,
    "stop": ("x",),
    "tools": (Tool(name="t"),),
    "tool_choice": ToolChoice(mode=ToolMode.NONE),
    "parallel_tool_calls": False,
    "response_format": JsonFormat(schema={"type": "object"}),
    "grammar": 'root ::= "a"',
    "top_logprobs": 1,
    "choices": 2,
    "caching": AnswerCaching(facts="other"),
    "caller": Caller(space="uid:1001"),
}
SAME: dict[str, Any] = {
    "seed": 7,  # no random number is drawn for a greedy answer
    "cache_key": "agent-7",  # where the state of the prompt is kept
}


def test_every_field_of_a_wish_was_thought_of() -> None:
    assert {each.name for each in dataclasses.fields(Wish)} == OTHER.keys() | SAME.keys()


@pytest.mark.parametrize("name", OTHER)
def test_another_value_is_another_key(name: str) -> None:
    other = dataclasses.replace(WISH, **{name: OTHER[name]})
    assert keys_of(other, SOURCE).exact != keys_of(WISH, SOURCE).exact


@pytest.mark.parametrize("name", SAME)
def test_what_cannot_change_a_greedy_answer_is_not_in_the_key(name: str) -> None:
    other = dataclasses.replace(WISH, **{name: SAME[name]})
    assert keys_of(other, SOURCE) == keys_of(WISH, SOURCE)


@pytest.mark.parametrize(
    "change",
    [{"model": "n"}, {"file": "g"}, {"engine": "f"}, {"defaults": SamplingDefaults(top_p=0.3)}],
    ids=str,
)
def test_another_source_is_another_key(change: dict[str, Any]) -> None:
    assert keys_of(WISH, dataclasses.replace(SOURCE, **change)).exact != keys_of(WISH, SOURCE).exact


def test_order_of_a_schema_is_part_of_the_key() -> None:
    keys = {
        keys_of(dataclasses.replace(WISH, response_format=JsonFormat(schema=schema)), SOURCE).exact
        for schema in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    }
    assert len(keys) == 2


def test_text_tokens_and_conversation_never_share_a_key() -> None:
    prompts = (Text(text="1"), Tokens(tokens=(1,)), user("1"), (Message(role=Role.SYSTEM, content="1"),))
    keys = {keys_of(dataclasses.replace(WISH, prompt=each), SOURCE).exact for each in prompts}
    assert len(keys) == len(prompts)


def test_nothing_of_the_request_can_be_read_off_the_keys() -> None:
    keys = keys_of(dataclasses.replace(WISH, caller=Caller(space="uid:1000")), SOURCE)
    assert all(len(each) == 64 and int(each, 16) >= 0 for each in (keys.exact, keys.space))


def test_broken_characters_make_a_key() -> None:
    assert keys_of(dataclasses.replace(WISH, prompt=user("\ud800")), SOURCE).exact


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({}, True),
        ({"temperature": None}, False),
        ({"temperature": 0.01}, False),
        ({"choices": 2}, False),
        ({"tools": (Tool(name="t"),)}, False),
        ({"top_logprobs": 0}, False),
        ({"caching": AnswerCaching(enabled=False)}, False),
        ({"prompt": (*user("x"), Message(role=Role.TOOL, content="1", tool_call_id="c"))}, False),
        (
            {
                "prompt": (
                    Message(role=Role.ASSISTANT, tool_calls=(ToolCall(id="c", name="t", arguments="{}"),)),
                    *user("x"),
                )
            },
            False,
        ),
        ({"response_format": JsonFormat()}, True),
        ({"prompt": Text(text="Once")}, True),
    ],
)
def test_who_may_be_kept(change: dict[str, Any], may: bool) -> None:
    assert may_be_kept(dataclasses.replace(WISH, **change), SAMPLED) is may


def test_a_model_that_is_greedy_by_default_may_be_kept() -> None:
    assert may_be_kept(dataclasses.replace(WISH, temperature=None), SamplingDefaults(temperature=0))


@pytest.mark.parametrize(("asked", "least"), [(None, None), (0.1, LEAST_SIMILARITY), (0.97, 0.97)])
def test_similarity_is_asked_for_and_never_low(asked: float | None, least: float | None) -> None:
    wish = dataclasses.replace(WISH, caching=AnswerCaching(similarity=asked))
    assert least_similarity(wish) == least
    assert (keys_of(wish, SOURCE).near != "") == (least is not None)


@pytest.mark.parametrize(
    "prompt",
    [Text(text="x"), user("x" * 3000), (*user("x"), Message(role=Role.ASSISTANT, content="y"))],
    ids=["text", "long", "not the user's"],
)
def test_only_a_short_question_of_the_user_has_similar_ones(prompt: Any) -> None:
    wish = dataclasses.replace(WISH, prompt=prompt, caching=AnswerCaching(similarity=0.95))
    assert least_similarity(wish) is None


def test_nobody_knows_who_the_others_are_that_ask_without_a_name() -> None:
    assert may_be_kept(WISH, SamplingDefaults())
    assert not may_be_kept(dataclasses.replace(WISH, caller=Caller()), SamplingDefaults())


def near(prompt: tuple[Message, ...], **change: Any) -> str:
    caching = change.pop("caching", AnswerCaching(similarity=0.95))
    wish = {"prompt": prompt, "temperature": 0.0, "caching": caching, "caller": ME, **change}
    return keys_of(Wish(**wish), SOURCE).near


def test_only_the_words_of_the_last_question_may_differ() -> None:
    system = Message(role=Role.SYSTEM, content="Be brief.")
    one = near((system, *user("How full is tank?")))
    assert one == near((system, *user("How much of tank is used?")))
    assert one != near(user("How full is tank?"))
    assert one != near((dataclasses.replace(system, content="Be long."), *user("How full is tank?")))
    assert one != near((system, *user("How full is tank?")), max_tokens=9)
    assert one != near((system, *user("How full is tank?")), caller=Caller(space="uid:9"))
    assert one != near(
        (system, *user("How full is tank?")), caching=AnswerCaching(similarity=0.95, facts="f")
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Replace disk 1", "Replace disk 2"),
        ("Is 4TB enough?", "Is 8TB enough?"),
        ("Show me two pools", "Show me three pools"),
        ("Which shares are public?", "Which shares are not public?"),
        ("I can see it", "I can't see it"),
        ("Zeige die Platten", "Zeige keine Platten"),
        ('What is "red"?', 'What is "blue"?'),
        ("What does `ls` do?", "What does `rm` do?"),
        ("What is in /srv/a?", "What is in /srv/b?"),
        ("Open notes.txt", "Open bills.txt"),
        ("How do I mount the pool?", "How do I unmount the pool?"),
        ("Delete the snapshot", "Create the snapshot"),
        ("What did Anna write?", "What did Bert write?"),
        ("use -r here", "use -f here"),
        ("who is it", "why is it"),
        ("磁盘一满了吗", "磁盘二满了吗"),
        ("twice 7 and 7", "twice 7"),
    ],
)
def test_what_must_be_the_same_word_for_word_differs(one: str, other: str) -> None:
    assert fixed_parts(one) != fixed_parts(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the capital of France?", "Tell me the capital of France!"),
        ("How full is disk 1?", "Disk 1: is it full?"),
        ("Is there no space left?", "There is no space left, is there?"),
    ],
)
def test_other_words_for_the_same_may_differ(one: str, other: str) -> None:
    assert fixed_parts(one) == fixed_parts(other)


def test_long_and_strange_questions_are_taken_apart_quickly() -> None:
    for text in ("'" * 2000, '"a' * 1000, "“„" * 1000, "a.b/" * 500, "n't" * 600, " ", ""):
        assert isinstance(fixed_parts(text), tuple)


KEPT = Kept(text="Half.", prompt_tokens=30, completion_tokens=2, template="t")


def test_what_was_kept_comes_back() -> None:
    keys = keys_of(WISH, SOURCE)
    assert Kept.from_payload({**KEPT.to_payload(keys), "used": 1.0}, keys) == KEPT


@pytest.mark.parametrize("field", [*KEPT.to_payload(keys_of(WISH, SOURCE))])
def test_damage_to_any_field_is_noticed(field: str) -> None:
    keys = keys_of(WISH, SOURCE)
    payload = KEPT.to_payload(keys)
    for damage in (None, "x", 31, ["x"]):
        assert Kept.from_payload({**payload, field: damage}, keys) is None
    del payload[field]
    assert Kept.from_payload(payload, keys) is None


def test_an_answer_under_another_key_is_none() -> None:
    payload = KEPT.to_payload(keys_of(WISH, SOURCE))
    others = keys_of(dataclasses.replace(WISH, caller=Caller(space="uid:2")), SOURCE)
    assert Kept.from_payload(payload, others) is None


@pytest.mark.parametrize(("template", "same"), [("", True), ("t", True), ("u", False)])
def test_another_template_is_noticed_once_it_is_known(template: str, same: bool) -> None:
    assert KEPT.is_of(dataclasses.replace(SOURCE, template=template)) is same
