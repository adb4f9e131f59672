"""What the model service does when something breaks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.daemon import DATA, SERVICES, Ryzan, SystemBus, wait_until
from tests.services.test_ryzan_http import CHAT, active_requests, ask, stream


def post(ryzan: Ryzan, body: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Ask over the Unix socket, in a process of its own."""
    argv = [sys.executable, os.fspath(Path(__file__).parent / "post.py"), os.fspath(ryzan.socket), CHAT]
    client = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert client.stdin is not None
    client.stdin.write(json.dumps(body).encode())
    client.stdin.close()
    client.stdin = None  # communicate() would close it again
    return client


@pytest.fixture
def start(system_bus: SystemBus, ryzan_env: dict[str, str], tmp_path: Path) -> Iterator[object]:
    started: list[Ryzan] = []

    def begin(**env: str) -> Ryzan:
        folder = tmp_path / f"ryzan{len(started)}"
        folder.mkdir()
        tmp_path.chmod(0o755)
        service = Ryzan(bus=system_bus, folder=folder, env={**ryzan_env, **env})
        started.append(service)
        service.wait_ready()
        return service

    yield begin
    for service in started:
        service.stop()


def test_killed_worker_fails_its_requests_and_the_next_one_works(start) -> None:
    ryzan = start()
    ryzan.wait_state("ready")
    first = ryzan.worker()
    long = ask("Tell a very long story.", max_tokens=3000, temperature=1.2)
    with ryzan.client() as client, client.stream("POST", CHAT, json={**long, "stream": True}) as answer:
        lines = answer.iter_lines()
        next(lines)
        ryzan.kill_worker()
        rest = [line.removeprefix("data: ") for line in lines if line]
    assert json.loads(rest[-1])["error"]["code"] == "model_worker_lost"
    answer = ryzan.client().post(CHAT, json=ask())
    assert answer.status_code == 200, answer.text
    assert ryzan.worker() != first
    assert "signal 9" in ryzan.log.read_text()


def test_killed_worker_gives_503_to_a_whole_answer(start) -> None:
    ryzan = start()
    ryzan.wait_state("ready")
    with post(ryzan, ask("Tell a very long story.", max_tokens=3000, temperature=1.2)) as client:
        wait_until("the request to be answered", lambda: active_requests(ryzan) == 1)
        ryzan.kill_worker()
        said, _ = client.communicate(timeout=30)
    assert said.startswith(b"503 ")
    assert b"ended while it was answering" in said


def test_without_a_model_file_the_service_is_up_and_says_so(start, smollm2: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir(mode=0o755)
    ryzan = start(SIGMAVAULT_MODELS=os.fspath(models))
    assert '"state" s "no-model"' in ryzan.status()
    answer = ryzan.client().post(CHAT, json=ask())
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "model_missing"
    assert ryzan.client().get("/v1/models").json()["data"] == []
    assert ryzan.client().get("/health").json()["status"] == "no-model"
    (models / smollm2.name).symlink_to(smollm2)  # somebody installs the package
    ryzan.client().post(CHAT, json=ask())  # looks again
    ryzan.wait_state("ready")
    assert ryzan.client().post(CHAT, json=ask()).status_code == 200


def test_with_a_models_folder_that_it_may_not_read_the_service_is_up_and_says_so(
    start, smollm2: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir(mode=0o700)
    (models / smollm2.name).symlink_to(smollm2)
    ryzan = start(SIGMAVAULT_MODELS=os.fspath(models))
    reason = f"{models} cannot be read: Permission denied"
    assert ryzan.client().get("/health").json()["status"] == "failed"
    assert reason in ryzan.status()
    answer = ryzan.client().post(CHAT, json=ask())
    assert (answer.status_code, answer.json()["error"]["message"]) == (503, reason)
    models.chmod(0o755)
    assert ryzan.client().post(CHAT, json=ask()).status_code == 200


@pytest.mark.parametrize("fault", ["short", "zeroed"])
def test_damaged_model_file_is_refused_with_its_reason(
    start, smollm2: Path, tmp_path: Path, fault: str
) -> None:
    models = tmp_path / "models"
    models.mkdir(mode=0o755)
    file = models / smollm2.name
    shutil.copyfile(smollm2, file)
    with file.open("r+b") as data:
        if fault == "short":
            data.truncate(1_000_000)
        else:
            data.write(bytes(4096))
    ryzan = start(SIGMAVAULT_MODELS=os.fspath(models))
    ryzan.wait_state("failed")
    answer = ryzan.client().post(CHAT, json=ask())
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_refused"
    assert ("damaged" if fault == "short" else "no GGUF file") in answer.json()["error"]["message"]
    os.replace(shutil.copyfile(smollm2, tmp_path / "good"), file)  # noqa: PTH105
    ryzan.client().post(CHAT, json=ask())
    ryzan.wait_state("ready")


def test_asked_while_loading_waits_for_the_model(start) -> None:
    ryzan = start()
    answer = ryzan.client().post(CHAT, json=ask())  # READY=1 comes before the model is loaded, or not
    assert answer.status_code == 200, answer.text


def test_queue_is_bounded(start) -> None:
    ryzan = start()
    ryzan.wait_state("ready")
    os.kill(ryzan.worker(), signal.SIGSTOP)
    waiting = [post(ryzan, ask(max_tokens=2)) for _ in range(32)]
    wait_until("the queue to be full", lambda: active_requests(ryzan) == 32)
    answer = ryzan.client().post(CHAT, json=ask())
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["error"]["code"] == "queue_full"
    os.kill(ryzan.worker(), signal.SIGCONT)
    assert {each.communicate(timeout=60)[0][:4] for each in waiting} == {b"200 "}
    assert ryzan.client().post(CHAT, json=ask()).status_code == 200


def test_stops_when_told_and_takes_its_worker_along(start) -> None:
    ryzan = start()
    ryzan.wait_state("ready")
    worker = ryzan.worker()
    assert stream(ryzan.client(), ask())
    assert ryzan.stop() == 0
    assert not Path(f"/proc/{worker}").exists()
    assert "Traceback" not in ryzan.log.read_text()


def test_tells_systemd_how_it_is(start) -> None:
    ryzan = start()
    ryzan.wait_state("ready")
    assert "STATUS=smollm2-135m-instruct: ready" in ryzan.notices
    fed = ryzan.notices.count("WATCHDOG=1")
    wait_until("the watchdog", lambda: ryzan.notices.count("WATCHDOG=1") > fed, timeout_s=3)


def test_without_sockets_it_says_what_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-sP", DATA / "usr/libexec/sigmavault/ryzan"],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": os.fspath(SERVICES)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "sigmavault-ryzan.socket" in done.stderr
