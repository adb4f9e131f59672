"""The model answers inside the image, over each of its doors, and the answers are computed."""

from typing import Any

import pytest
import yaml

from tests.vm.asking import QUESTION, ask, ask_bus, status, words
from tests.vm.stage import ROOT

pytestmark = pytest.mark.vm


@pytest.fixture(scope="module")
def answers() -> dict[Any, dict[str, Any]]:
    """Answers by image and door: under emulation one costs many seconds, and several tests look at it."""
    return {}


@pytest.fixture
def answer(scene, vm, answers):
    def of(way: str) -> dict[str, Any]:
        key = scene.target, way
        if key not in answers:
            answers[key] = ask(vm, way)
        return dict(answers[key])

    return of


@pytest.mark.parametrize("way", ["tcp", "unix"])
def test_answers_over_http_with_real_tokens(answer, way):
    found = answer(way)
    assert words(found).strip()
    assert 0 < found["usage"]["completion_tokens"] <= 8
    # The chat template makes more tokens of it than the words have.
    assert found["usage"]["prompt_tokens"] > len(QUESTION.split())


def test_greedy_answers_are_the_same_through_each_door(answer):
    assert words(answer("tcp")) == words(answer("unix"))


def test_answers_depend_on_the_question(vm, answer):
    assert words(answer("tcp")) != words(ask(vm, "tcp", "What is the capital of France?"))


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
