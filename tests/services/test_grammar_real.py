"""Grammars in llama.cpp, on the real model: all are accepted, and what is said under them has the form."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sigmavault.core.chat import Message, Role
from sigmavault.core.grammar import any_json_object, compile_schema
from sigmavault.core.tools import (
    CallArguments,
    CallBegin,
    CallParser,
    TextPart,
    ToolFormat,
    call_grammar,
    instructions,
)
from sigmavault.core.wish import ToolChoice, ToolMode

from tests.services.daemon import SERVICES
from tests.unit.core.grammar.schemas import ACCEPTED, obj, ref
from tests.unit.core.tools.samples import TOOLS

HERE = Path(__file__).parent
PARAM = "response_format"
REQUIRED = ToolChoice(mode=ToolMode.REQUIRED)
SHORT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 24}
WITHIN = {"type": "integer", "minimum": 0, "maximum": 120}

FIVE_TO_FORTY = r'root ::= "\"" [a-z<|>_]{5,40} "\""'

QUESTIONS: dict[str, dict[str, Any]] = {
    "Describe a person.": obj("name", "age", name=SHORT, age=WITHIN),
    "Is the sky blue?": obj("answer", "sure", answer={"type": "boolean"}, sure={"enum": ["low", "high"]}),
    "Name three colours.": {"type": "array", "items": SHORT, "minItems": 3, "maxItems": 3},
    "When was the first landing on the moon?": {"type": "string", "format": "date"},
    "Give an IPv4 address.": obj("address", address={"type": "string", "format": "ipv4"}),
    "Plan snapshots of the dataset tank/photos.": ACCEPTED["snapshot policy"],
    "Pick a pool layout.": {"type": "string", "pattern": "^(mirror|stripe|raidz[123])$"},
    "How full is the disk, from 0 to 1?": obj("share", share={"type": "number", "minimum": 0, "maximum": 1}),
    "A number or nothing?": {"anyOf": [WITHIN, {"type": "null"}]},
    "What is in the house? A few rooms only.": {
        **obj("name", "rooms", name=SHORT, rooms={"type": "array", "items": ref("room"), "maxItems": 2}),
        "$defs": {"room": obj("kind", "doors", kind={"enum": ["kitchen", "bath"]}, doors=WITHIN)},
    },
}

SHOT = """\
Question: How is the pool {pool}?
Answer: Let me see. <tool_call>
{{"name": "pool_status", "arguments": {{"pool": "{pool}"}}}}
</tool_call>
"""
FEW_SHOT = "".join(SHOT.format(pool=each) for each in ("tank", "backup", "tank", "backup"))


def chat(system: str, question: str) -> str:
    said = (Message(role=Role.SYSTEM, content=system), Message(role=Role.USER, content=question))
    turns = "".join(f"<|im_start|>{each.role}\n{each.content}<|im_end|>\n" for each in said)
    return f"{turns}<|im_start|>assistant\n"


def grammars() -> dict[str, str]:
    """Every grammar that the tables of the unit tests give."""
    made = {name: compile_schema(schema, param=PARAM) for name, schema in ACCEPTED.items()}
    for form in ToolFormat:
        grammar = call_grammar(TOOLS, REQUIRED, parallel=True, written=form)
        assert grammar
        made[f"calls {form}"] = grammar.gbnf
    return {**made, "json": any_json_object()}


def asks() -> list[dict[str, Any]]:
    """The questions, then a required call in each form, then calls that the model may make."""
    wanted = [
        {
            "prompt": chat(f"Answer with JSON that satisfies this schema: {json.dumps(schema)}", question),
            "gbnf": compile_schema(schema, param=PARAM),
            "triggers": [],
            "tokens": 120,
        }
        for question, schema in QUESTIONS.items()
    ]
    for form in ToolFormat:
        grammar = call_grammar(TOOLS, REQUIRED, parallel=False, written=form)
        assert grammar
        prompt = chat(instructions(TOOLS, REQUIRED), "How is the pool tank?")
        wanted.append({"prompt": prompt, "gbnf": grammar.gbnf, "triggers": [], "tokens": 120})
    lazy = call_grammar(TOOLS, ToolChoice(), parallel=False, written=ToolFormat.GENERIC)
    assert lazy
    begins = (
        f"{FEW_SHOT}Question: How is the pool tank?\nAnswer:",
        "Question: What is two and two?\nAnswer:",
    )
    forced = {
        "prompt": chat("", "Say something."), "gbnf": FIVE_TO_FORTY, "triggers": [], "tokens": 60,
        "bias": {"<|im_start|>": 100.0},
    }  # fmt: skip
    wanted += (
        forced,
        {**forced, "gbnf": 'root ::= "<|im_start|>" [a-z]{2}'},
        *({"prompt": each, "gbnf": lazy.gbnf, "triggers": lazy.triggers, "tokens": 60} for each in begins),
    )
    return wanted


@pytest.fixture(scope="module")
def results(smollm2: Path, runtime: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, HERE / "grammar_run.py", smollm2, runtime],
        input=json.dumps({"grammars": grammars(), "asks": asks()}),
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": os.fspath(SERVICES), "OMP_WAIT_POLICY": "passive"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_llama_cpp_accepts_every_grammar(results: dict[str, Any]) -> None:
    assert results["refused"] == []
    assert results["slowest_s"] < 1


def test_answers_are_whole_and_satisfy_their_schemas(results: dict[str, Any]) -> None:
    for (question, schema), answer in zip(QUESTIONS.items(), results["answers"], strict=False):
        assert answer["finish"] == "stop", (question, answer)
        jsonschema.validate(
            json.loads(answer["text"]),
            schema,
            jsonschema.Draft202012Validator,
            format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
        )


def read(form: ToolFormat, text: str) -> tuple[str, list[tuple[str, Any]]]:
    parser = CallParser(form, [each.name for each in TOOLS])
    events = [event for each in text for event in parser.feed(each)] + parser.end()
    names = [each.name for each in events if isinstance(each, CallBegin)]
    arguments = [json.loads(each.delta) for each in events if isinstance(each, CallArguments)]
    said = "".join(each.text for each in events if isinstance(each, TextPart))
    return said, list(zip(names, arguments, strict=True))


def test_a_required_call_is_one_in_every_form(results: dict[str, Any]) -> None:
    schemas = {each.name: dict(each.parameters) for each in TOOLS}
    forms: list[ToolFormat] = list(ToolFormat)
    for form, answer in zip(forms, results["answers"][len(QUESTIONS) :], strict=False):
        said, calls = read(form, answer["text"])
        assert (said, len(calls)) == ("", 1), (form, answer)
        jsonschema.validate(calls[0][1], schemas[calls[0][0]])


def test_several_answers_of_one_form_cost_one_reading_of_its_grammar(results: dict[str, Any]) -> None:
    assert results["readings"] <= 1


def test_a_control_token_does_not_count_as_the_text_that_it_does_not_show(results: dict[str, Any]) -> None:
    assert re.fullmatch('"[a-z<|>_]{5,40}"', results["answers"][-4]["text"]), results["answers"][-4]


def test_a_control_token_that_the_form_names_is_shown(results: dict[str, Any]) -> None:
    assert re.fullmatch(r"<\|im_start\|>[a-z]{2}", results["answers"][-3]["text"]), results["answers"][-3]


def test_with_auto_a_call_follows_text_and_text_stays_free(results: dict[str, Any]) -> None:
    called, free = results["answers"][-2:]
    said, calls = read(ToolFormat.GENERIC, called["text"])
    assert calls == [("pool_status", {"pool": "tank"})], called
    assert said
    assert read(ToolFormat.GENERIC, free["text"])[1] == []
    assert free["text"].strip()
