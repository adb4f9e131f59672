"""Other servers as backends: through the real relay, to a second model service and to a rude server."""

from __future__ import annotations

import json
import os
import pwd
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services import models
from tests.services.daemon import DATA, SERVICES, Ryzan, SystemBus, free_port, stop, wait_until
from tests.services.rude import MANNERS, Rude
from tests.services.test_ryzan_http import CHAT, MODEL, active_requests, ask, stream

USER = "sigmavault-ryzan-relay"
KEY = "sk-very-secret-key"


class RelayProcess:
    """The relay as systemd starts it."""

    def __init__(self, folder: Path, config: Path) -> None:
        try:
            pwd.getpwnam(USER)
        except KeyError:
            subprocess.run(["systemd-sysusers", DATA / "usr/lib/sysusers.d/sigmavault.conf"], check=True)
        self.socket = folder / "relay.sock"
        self.log = folder / "relay.log"
        argv = [sys.executable, f"{Path(__file__).parent}/launch.py", USER, str(free_port()),
                os.fspath(self.socket), sys.executable, "-sP",
                f"{DATA}/usr/libexec/sigmavault/ryzan-relay"]  # fmt: skip
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.fspath(SERVICES), "LANG": "C.UTF-8",
               "PYTHONDONTWRITEBYTECODE": "1", "SIGMAVAULT_CONFIG": os.fspath(config)}  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, env=env, stderr=log)
        wait_until("the relay", self.socket.exists)
        self.socket.chmod(0o666)  # on the target its socket unit gives it to the model service

    def client(self) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=os.fspath(self.socket))
        return httpx.Client(base_url="http://relay", transport=transport, timeout=30, trust_env=False)

    def stop(self) -> int:
        return stop(self.process)


def backend(name: str, url: str, **more: str) -> str:
    """A server of the configuration with one model; short patience."""
    model = {"id": f"of-{name}", "name": more.pop("model", MODEL), "fallback": MODEL}
    server = {
        "name": name,
        "url": url,
        "connect_s": 1,
        "first_byte_s": 1.5,
        "stall_s": 1,
        "retry_s": 0.4,
        **more,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in server.items()]
    lines += ["[[backend.model]]", *(f"{key} = {json.dumps(value)}" for key, value in model.items())]
    return "\n".join(["[[backend]]", *lines, ""])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("remote")
    made.chmod(0o755)
    return made


@pytest.fixture(scope="module")
def upstream(
    system_bus: SystemBus, ryzan_env: dict[str, str], smollm2: Path, folder: Path
) -> Iterator[Ryzan]:
    """A second model service, with a bus of its own."""
    del system_bus  # its polkit actions are in place
    place, shelf = folder / "upstream", folder / "shelf"
    place.mkdir()
    shelf.mkdir(mode=0o755)
    (shelf / smollm2.name).symlink_to(smollm2)
    models.make("bert", shelf)
    bus = SystemBus(_made(folder / "bus"))
    service = Ryzan(bus=bus, folder=place, env={**ryzan_env, "SIGMAVAULT_MODELS": os.fspath(shelf)})
    service.wait_ready()
    service.wait_state("ready")
    yield service
    service.stop()
    bus.stop()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def rude() -> Iterator[Rude]:
    server = Rude()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def tls(folder: Path) -> Iterator[tuple[Rude, Path]]:
    """A polite server with a certificate that nobody vouches for, and that certificate."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", certificate], check=True, capture_output=True,
    )  # fmt: skip
    certificate.chmod(0o644)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = Rude(context)
    yield server, certificate
    server.stop()


@pytest.fixture(scope="module")
def config(folder: Path, upstream: Ryzan, rude: Rude, tls: tuple[Rude, Path]) -> Path:
    made = folder / "etc"
    made.mkdir()
    for name, mode in (("good.key", 0o600), ("open.key", 0o644)):
        (made / name).write_text(f"{KEY}\n")
        (made / name).chmod(mode)
    secure, certificate = tls
    texts = [
        backend("upstream", f"{upstream.url}/v1"),
        backend("embedder", f"{upstream.url}/v1", model="local/bert") + 'purpose = ["embedding"]\n',
        backend("deaf", f"http://127.0.0.1:{free_port()}/v1"),
        backend("moved", f"http://127.0.0.1:{rude.port}/moved/v1"),
        backend("keyed", f"http://127.0.0.1:{rude.port}/polite/v1", api_key_file=f"{made}/good.key"),
        backend("leaky", f"http://127.0.0.1:{rude.port}/polite/v1", api_key_file=f"{made}/open.key"),
        backend("strange", f"https://localhost:{secure.port}/polite/v1"),
        backend("trusted", f"https://localhost:{secure.port}/polite/v1", ca_file=os.fspath(certificate)),
        backend("misnamed", f"https://127.0.0.1:{secure.port}/polite/v1", ca_file=os.fspath(certificate)),
        *(backend(each, f"http://127.0.0.1:{rude.port}/{each}/v1") for each in MANNERS),
    ]
    (made / "ryzan.toml").write_text("\n".join(texts))
    return made


@pytest.fixture(scope="module")
def relay(folder: Path, config: Path) -> Iterator[RelayProcess]:
    place = _made(folder / "relay")
    place.chmod(0o755)
    for key in config.glob("*.key"):
        if _ensured():
            os.chown(key, pwd.getpwnam(USER).pw_uid, 0)
    process = RelayProcess(place, config)
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()
    assert KEY not in process.log.read_text()


def _ensured() -> bool:
    subprocess.run(["systemd-sysusers", DATA / "usr/lib/sysusers.d/sigmavault.conf"], check=True)
    return True


@pytest.fixture(scope="module")
def ryzan(
    system_bus: SystemBus, ryzan_env: dict[str, str], folder: Path, config: Path, relay: RelayProcess
) -> Iterator[Ryzan]:
    """The model service whose models are other servers', and SmolLM2 of its own."""
    place = _made(folder / "ryzan")
    env = {"SIGMAVAULT_CONFIG": os.fspath(config), "SIGMAVAULT_RELAY": os.fspath(relay.socket)}
    service = Ryzan(bus=system_bus, folder=place, env={**ryzan_env, **env})
    service.wait_ready()
    service.wait_state("ready")
    yield service
    service.stop()
    assert "Traceback" not in service.log.read_text()
    assert KEY not in service.log.read_text()


def chat(ryzan: Ryzan, model: str, **more: Any) -> httpx.Response:
    return ryzan.client().post(CHAT, json={**ask(**more), "model": model})


def fields(answer: httpx.Response) -> tuple[Any, ...]:
    (choice,) = answer.json()["choices"]
    usage = answer.json()["usage"]
    counts = usage["prompt_tokens"], usage["completion_tokens"]
    return choice["message"]["content"], choice["finish_reason"], *counts


def test_another_server_answers_as_when_asked_itself(ryzan: Ryzan, upstream: Ryzan) -> None:
    direct, relayed = chat(upstream, MODEL), chat(ryzan, "of-upstream")
    assert relayed.status_code == 200, relayed.text
    assert fields(relayed) == fields(direct)
    assert relayed.headers["x-sigmavault-backend"] == "upstream"
    assert relayed.headers["x-sigmavault-model"] == "of-upstream"


def test_a_stream_is_passed_on_as_it_comes(ryzan: Ryzan) -> None:
    body = {**ask(max_tokens=24), "model": "of-upstream", "stream_options": {"include_usage": True}}
    events = stream(ryzan.client(), body)
    text = "".join(each["choices"][0]["delta"].get("content") or "" for each in events[:-2])
    assert text == fields(chat(ryzan, "of-upstream", max_tokens=24))[0]
    assert len(events) > 5
    assert events[-2]["usage"]["completion_tokens"] == 24
    assert events[-2]["usage"]["prompt_tokens"] > 20
    assert events[-1] == "[DONE]"


def test_texts_are_continued_by_another_server(ryzan: Ryzan, upstream: Ryzan) -> None:
    told = {"prompt": "Once upon a time", "max_tokens": 8, "temperature": 0}
    direct = upstream.client().post("/v1/completions", json={**told, "model": MODEL})
    relayed = ryzan.client().post("/v1/completions", json={**told, "model": "of-upstream"})
    assert relayed.status_code == 200, relayed.text
    assert relayed.json()["choices"][0]["text"] == direct.json()["choices"][0]["text"]


def test_vectors_of_another_server(ryzan: Ryzan, upstream: Ryzan) -> None:
    told = {"input": ["a b c", "d"]}
    direct = upstream.client().post("/v1/embeddings", json={**told, "model": "local/bert"})
    relayed = ryzan.client().post("/v1/embeddings", json={**told, "model": "of-embedder"})
    assert relayed.status_code == 200, relayed.text
    for ours, theirs in zip(relayed.json()["data"], direct.json()["data"], strict=True):
        assert ours["embedding"] == pytest.approx(theirs["embedding"], abs=1e-6)
    assert relayed.json()["usage"] == direct.json()["usage"]


def test_errors_of_another_server_keep_their_meaning(ryzan: Ryzan) -> None:
    answer = chat(ryzan, "of-upstream", text="word " * 20_000)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    answer = chat(ryzan, "of-busy")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "7"
    assert chat(ryzan, "of-too-long").json()["error"]["code"] == "context_length_exceeded"


LONG = {
    "model": "of-upstream",
    "prompt": "1, 2, 3, 4, 5, 6,",
    "temperature": 0,
    "max_tokens": 4000,
    "stream": True,
}
"""Counts on for long, and surely."""


def test_a_client_that_leaves_ends_the_work_there(ryzan: Ryzan, upstream: Ryzan) -> None:
    with ryzan.client().stream("POST", "/v1/completions", json=LONG) as answer:
        lines = answer.iter_lines()  # kept: without it httpx hangs up
        next(lines)
        assert active_requests(upstream) == 1
    wait_until("the other server to be idle", lambda: active_requests(upstream) == 0, timeout_s=5)


GONE_EARLY = (
    "deaf", "silent", "stalls", "hangs-up", "cut", "garbage", "no-http", "giant-line", "chatter",
    "foreign-tool", "error-inside", "compressed", "fails", "strange", "misnamed", "leaky",
)  # fmt: skip


@pytest.mark.parametrize("name", GONE_EARLY)
def test_before_the_first_token_this_machine_answers_instead(ryzan: Ryzan, name: str) -> None:
    started = time.monotonic()
    answer = chat(ryzan, f"of-{name}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"].strip()
    assert answer.headers["x-sigmavault-backend"] == "local"
    assert answer.headers["x-sigmavault-model"] == MODEL
    assert f"server {name} " in answer.headers["x-sigmavault-route"]
    assert "answered by this machine" in answer.headers["x-sigmavault-route"]
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("name", ["stalls-midway", "cut-midway", "error-midway"])
def test_in_the_middle_of_an_answer_its_end_is_an_error(ryzan: Ryzan, name: str) -> None:
    body = {**ask(), "model": f"of-{name}", "stream": True}
    with ryzan.client().stream("POST", CHAT, json=body) as answer:
        assert answer.headers["x-sigmavault-backend"] == name
        data = [line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: ")]
    assert json.loads(data[1])["choices"][0]["delta"]["content"] == "Hello"
    assert json.loads(data[-1])["error"]["code"] == "model_backend_gone"
    time.sleep(0.5)
    whole = chat(ryzan, f"of-{name}")
    assert whole.status_code == 503
    assert whole.json()["error"]["code"] == "model_backend_gone"


@pytest.mark.parametrize("name", ["unlocked-not", "knows-not", "moved"])
def test_a_wrong_configuration_is_told(ryzan: Ryzan, rude: Rude, name: str) -> None:
    rude.elsewhere = rude.port
    before = rude.hits["polite"]
    answer = chat(ryzan, f"of-{name}")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "model_backend_refused"
    assert rude.hits["polite"] == before, "the redirect was followed"


def test_a_failing_server_is_left_alone_for_a_while_and_then_tried_again(ryzan: Ryzan, rude: Rude) -> None:
    time.sleep(0.5)
    before = rude.hits["fails"]
    for _ in range(4):
        assert chat(ryzan, "of-fails", max_tokens=1).headers["x-sigmavault-backend"] == "local"
    assert rude.hits["fails"] - before < 4
    before = rude.hits["fails"]
    time.sleep(0.5)
    chat(ryzan, "of-fails", max_tokens=1)
    assert rude.hits["fails"] == before + 1


def test_the_key_is_sent_by_the_relay_and_known_to_nobody_else(ryzan: Ryzan, rude: Rude) -> None:
    answer = chat(ryzan, "of-keyed")
    assert answer.json()["choices"][0]["message"]["content"] == "Hello"
    assert f"Bearer {KEY}" in rude.headers
    pids = [ryzan.process.pid, ryzan.worker()]
    for place in ("environ", "cmdline"):
        assert not any(KEY.encode() in Path(f"/proc/{pid}/{place}").read_bytes() for pid in pids)


def test_a_key_that_others_may_read_is_not_used(ryzan: Ryzan, relay: RelayProcess) -> None:
    route = chat(ryzan, "of-leaky").headers["x-sigmavault-route"]
    assert "503" in route or "left alone" in route
    assert "open.key: has mode 0644" in relay.log.read_text()


def test_a_certificate_counts_when_the_configuration_vouches_for_it(ryzan: Ryzan) -> None:
    answer = chat(ryzan, "of-trusted")
    assert answer.headers["x-sigmavault-backend"] == "trusted"
    assert answer.json()["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/nobody/v1/chat/completions", 404),
        ("POST", "/upstream/v1/models/load", 404),
        ("POST", "/upstream/v1/../admin", 404),
        ("POST", "/upstream/v1/chat/completions/../../x", 404),
        ("POST", "http://127.0.0.1:9/v1/chat/completions", 404),
        ("GET", "/upstream/v1/chat/completions", 404),
        ("POST", "/upstream/v1/chat%2Fcompletions%0d%0aX: y", 404),
    ],
)
def test_the_relay_goes_nowhere_else(relay: RelayProcess, method: str, path: str, status: int) -> None:
    with relay.client() as client:
        answer = client.request(method, path, content=b"{}")
    assert answer.status_code == status
    assert answer.headers["x-sigmavault-relay"] == "1"


def test_the_relay_bounds_what_it_takes(relay: RelayProcess) -> None:
    with relay.client() as client:
        answer = client.post("/polite/v1/chat/completions", content=b"x" * (17 << 20))
    assert answer.status_code == 413


def test_their_models_are_listed_and_told_in_the_status(ryzan: Ryzan) -> None:
    listed = {each["id"]: each for each in ryzan.client().get("/v1/models").json()["data"]}
    assert listed["of-upstream"]["sigmavault"]["backend"] == "upstream"
    assert listed[MODEL]["sigmavault"]["backend"] == "local"


def test_without_the_relay_this_machine_answers(ryzan: Ryzan, relay: RelayProcess) -> None:
    """The last one: it takes the relay's socket away."""
    relay.socket.rename(relay.socket.with_name("away"))
    try:
        time.sleep(0.5)
        # connections to the relay that are open already go on working
        answers = [chat(ryzan, "of-trusted", max_tokens=1) for _ in range(3)]
        assert {each.status_code for each in answers} == {200}
    finally:
        relay.socket.with_name("away").rename(relay.socket)


def test_a_server_that_dies_in_the_middle_ends_the_answer_and_its_models_fall_back(
    ryzan: Ryzan, upstream: Ryzan
) -> None:
    with ryzan.client().stream("POST", "/v1/completions", json=LONG) as answer:
        lines = answer.iter_lines()
        next(lines)
        upstream.process.kill()
        rest = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert json.loads(rest[-1])["error"]["code"].startswith("model_")
    answer = chat(ryzan, "of-upstream")
    assert answer.headers["x-sigmavault-backend"] == "local"
    assert answer.json()["choices"][0]["message"]["content"].strip()
