"""Several models in one running service: chosen by name or by rules, loaded and unloaded, counted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services import models
from tests.services.daemon import Ryzan, SystemBus, wait_until
from tests.services.test_ryzan_http import CHAT, MODEL, ask

TINY = "local/llama-f32"
RULES = """
[models]
pin_default = false
keep_alive_s = 2
[routing]
long_context_tokens = 256
[limits]
context_tokens = 1024
[[routing.rule]]
task = "code"
models = ["nobody", "local/llama-f32"]
[[routing.rule]]
task = "long-context"
models = ["local/llama-f32", "default"]
"""

type Start = Callable[..., Ryzan]


@pytest.fixture
def start(system_bus: SystemBus, ryzan_env: dict[str, str], smollm2: Path, tmp_path: Path) -> Iterator[Start]:
    tmp_path.chmod(0o755)
    shelf, etc, state = tmp_path / "models", tmp_path / "etc", tmp_path / "state"
    for each in (shelf, etc, state):
        each.mkdir()
    state.chmod(0o777)
    (shelf / smollm2.name).symlink_to(smollm2)
    models.make("llama-f32", shelf)
    started: list[Ryzan] = []

    def begin(config: str = RULES) -> Ryzan:
        (etc / "ryzan.toml").write_text(config)
        folder = tmp_path / f"ryzan{len(started)}"
        folder.mkdir()
        env = {**ryzan_env, "SIGMAVAULT_MODELS": os.fspath(shelf), "SIGMAVAULT_CONFIG": os.fspath(etc),
               "STATE_DIRECTORY": os.fspath(state)}  # fmt: skip
        service = Ryzan(bus=system_bus, folder=folder, env=env)
        started.append(service)
        service.wait_ready()
        return service

    yield begin
    for service in started:
        service.stop()


def children(pid: int) -> list[int]:
    found = told(pid, f"task/{pid}/children").split()
    return [each for child in found for each in (int(child), *children(int(child)))]


def told(pid: int, file: str) -> str:
    """A file of a process; empty when it has just ended."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def workers(ryzan: Ryzan) -> list[int]:
    """Processes that have a model, or have not ended since."""
    return [pid for pid in children(ryzan.process.pid) if "ryzan.worker" in told(pid, "cmdline")]


def memory(ryzan: Ryzan, kind: str) -> int:
    """Memory of all processes of the service together, in bytes; kind `Rss` or `Pss`."""
    pid = ryzan.process.pid  # it itself has to be there
    others = (told(each, "smaps_rollup") for each in children(pid))
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text(), *filter(None, others)]
    return sum(int(text.partition(f"\n{kind}:")[2].split()[0]) for text in texts) * 1024


def chat(ryzan: Ryzan, model: str, text: str = "Hello", **more: Any) -> Any:
    return ryzan.client().post(CHAT, json={**ask(text, max_tokens=4, **more), "model": model})


def state(ryzan: Ryzan, model: str) -> str:
    listed = ryzan.client().get("/v1/models").json()["data"]
    return str(next(each for each in listed if each["id"] == model)["sigmavault"]["state"])


def test_files_put_into_the_folder_are_served_beside_the_manifests(start: Start) -> None:
    ryzan = start()
    assert {each["id"] for each in ryzan.client().get("/v1/models").json()["data"]} == {MODEL, TINY}
    assert chat(ryzan, MODEL).status_code == 200
    answer = chat(ryzan, TINY)
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] == TINY


def test_auto_goes_by_the_rules_and_says_why(start: Start) -> None:
    ryzan = start()
    code = chat(ryzan, "auto", "Write a Python function that reverses a list. Route me to smollm2.")
    assert code.headers["x-sigmavault-model"] == TINY
    assert code.headers["x-sigmavault-route"].startswith("auto: code (key words of code): named by its rule")
    plain = chat(ryzan, "auto", "Route me to local/llama-f32, zebra.")
    assert plain.headers["x-sigmavault-model"] == MODEL
    assert "zebra" not in plain.headers["x-sigmavault-route"] + ryzan.log.read_text()
    assert "auto: chat" in ryzan.log.read_text()


def test_a_prompt_that_fits_nowhere_is_the_callers_to_shorten(start: Start) -> None:
    ryzan = start()
    long = chat(ryzan, "auto", "word " * 1000)
    assert long.status_code == 400
    assert long.json()["error"]["code"] == "context_length_exceeded"


def test_unloaded_models_give_their_memory_back(start: Start) -> None:
    ryzan = start()

    def load_both_and_let_them_go() -> int:
        both, loaded = (MODEL, TINY), 0
        for model in both:
            assert chat(ryzan, model, temperature=1).status_code == 200
            loaded = max(loaded, memory(ryzan, "Rss"))  # the first may be gone before the second has answered
        wait_until("both to be unloaded", lambda: {state(ryzan, each) for each in both} == {"unloaded"})
        wait_until("their processes to end", lambda: not workers(ryzan))
        return loaded

    load_both_and_let_them_go()  # what the service keeps from its first request on is not the models'
    before = memory(ryzan, "Rss")
    assert load_both_and_let_them_go() > before + 100 * 2**20
    assert memory(ryzan, "Rss") < 1.1 * before


def test_without_a_model_the_service_takes_less_than_120_mb(start: Start, record_property: Any) -> None:
    ryzan = start()
    assert ryzan.client().get("/v1/models").status_code == 200
    taken = {kind: memory(ryzan, kind) for kind in ("Rss", "Pss")}
    print(taken)  # noqa: T201  # the measured figure, shown by -s
    record_property("memory", taken)
    assert taken["Rss"] < 120e6


def test_a_wrong_configuration_ends_the_service_with_2_and_the_key(start: Start) -> None:
    with pytest.raises(AssertionError, match=r"ryzan\.toml: unknown key models\.defualt; allowed: default"):
        start("[models]\ndefualt = 'x'")


def test_an_unknown_default_model_is_a_wrong_configuration(start: Start) -> None:
    with pytest.raises(AssertionError, match=r"ryzan\.toml: models: no model is called 'nobody'"):
        start("[models]\ndefault = 'nobody'")
