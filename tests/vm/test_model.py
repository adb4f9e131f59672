"""The model answers inside the image, over each of its doors, and the answers are computed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.vm.machine.machine import Machine
from tests.vm.stage import ROOT

pytestmark = pytest.mark.vm

CHAT = (Path(__file__).parent / "inside" / "chat.py").read_bytes()
QUESTION = "Say hello."
BUS = ("org.sigmavault.Ryzan", "/org/sigmavault/Ryzan", "org.sigmavault.Ryzan1")


def ask(vm: Machine, way: str, question: str = QUESTION) -> dict[str, Any]:
    answer = json.loads(vm.succeed("python3", "-I", "-", way, question, stdin=CHAT, timeout_s=40))
    assert answer["status"] == 200, answer
    body: dict[str, Any] = answer["body"]
    return body


def words(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"])


def ask_bus(vm: Machine, question: str = QUESTION) -> str:
    said = vm.succeed(
        "busctl", "--json=short", "--timeout=300", "call", *BUS, "Chat", "sa(ss)", "", "1", "user", question,
        timeout_s=60,
    )  # fmt: skip
    return str(json.loads(said)["data"][0])


def status(vm: Machine) -> dict[str, Any]:
    said = vm.succeed("busctl", "--json=short", "call", *BUS, "GetStatus")
    return {name: value["data"] for name, value in json.loads(said)["data"][0].items()}


@pytest.mark.parametrize("way", ["tcp", "unix"])
def test_answers_over_http_with_real_tokens(vm, way):
    answer = ask(vm, way)
    assert words(answer).strip()
    assert 0 < answer["usage"]["completion_tokens"] <= 12
    # The chat template makes more tokens of it than the words have.
    assert answer["usage"]["prompt_tokens"] > len(QUESTION.split())


def test_greedy_answers_are_the_same_through_each_door(vm):
    assert words(ask(vm, "tcp")) == words(ask(vm, "unix"))


def test_answers_depend_on_the_question(vm):
    assert words(ask(vm, "tcp")) != words(ask(vm, "tcp", "What is the capital of France?"))


def test_answers_over_the_bus(vm):
    assert ask_bus(vm).strip()
    known = status(vm)
    assert known["state"] == "ready"
    assert known["tokens_per_second"] > 0
    assert known["memory_bytes"] > 90_000_000, "less than the weights: nothing is loaded"


def test_the_model_file_is_the_one_of_the_manifest(vm):
    (model,) = [
        m for m in yaml.safe_load((ROOT / "models-manifest.yaml").read_text())["models"] if m.get("embedded")
    ]
    path = f"/usr/share/sigmavault/models/{model['file']}"
    assert vm.succeed("sha256sum", path, timeout_s=30).split()[0] == model["sha256"]


def test_an_unprivileged_user_may_ask_over_tcp(vm):
    said = vm.succeed(
        "setpriv", "--reuid=nobody", "--clear-groups", "python3", "-I", "-", "tcp", QUESTION,
        stdin=CHAT, timeout_s=40,
    )  # fmt: skip
    assert json.loads(said)["status"] == 200
