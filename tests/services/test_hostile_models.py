"""Model files made to hurt, at the running service: each is refused with its reason or takes its own process
down, and the next request for a good model is answered."""

from __future__ import annotations

import hashlib
import os
import random
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from sigmavault.core.errors import ModelRefusedError
from sigmavault.core.gguf import read_header

from tests.services import models
from tests.services.daemon import SOURCE, Ryzan, SystemBus
from tests.services.models.gguf_file import ARRAY, STRING, U32, Entry, StoredTensor, build, packed_array

BASE = "llama-q4_0"
GOOD = "good"
CHAT = "/v1/chat/completions"
BESIDE = "put-beside"
"""A bad file that the manifest does not know."""
LIMITS = "[limits]\nload_limit_s = 20.0\nstall_s = 20.0\npauses_s = [0.1]\n"
"""A model's process that hangs or keeps dying is given up soon, so that the tests need not wait."""


def entries(*changed: Entry, without: str = "", base: str = BASE) -> list[Entry]:
    """The metadata of a good file with these keys replaced, added or left out."""
    gone = {without, *(each.key for each in changed)}
    return [*(each for each in models.net(base).entries if each.key not in gone), *changed]


def rebuilt(
    *changed: Entry, without: str = "", base: str = BASE, tensors: list[StoredTensor] | None = None
) -> bytes:
    """A good file with another metadata, or with other tensors."""
    return build(entries(*changed, without=without, base=base), tensors or models.net(base).stored())


def tensors(name: str, **changed: Any) -> list[StoredTensor]:
    """The tensors of a good file, one of them changed."""
    stored = models.net(BASE).stored()
    return [
        StoredTensor(
            **{"name": each.name, "shape": each.shape, "kind": each.kind, "data": each.data, **changed}
        )
        if each.name == name
        else each
        for each in stored
    ]


def renamed(architecture: str) -> list[Entry]:
    """The metadata of a good file as if of another architecture."""
    return [
        Entry.of(each.key, architecture)
        if each.key == "general.architecture"
        else Entry(each.key.replace("llama.", f"{architecture}."), each.kind, each.body)
        for each in entries()
    ]


def with_template(template: str) -> bytes:
    return rebuilt(Entry.of("tokenizer.chat_template", template))


def patched(at: int, value: int) -> bytes:
    data = models.data(BASE)
    return data[:at] + struct.pack("<Q", value) + data[at + 8 :]


QUERY = "blk.0.attn_q.weight"


@cache
def refused_early() -> Mapping[str, tuple[bytes, str]]:
    """Files that the service refuses before native code sees them, and why."""
    good = models.data(BASE)
    rows = models.net(BASE).weights["output_norm.weight"].data
    return {
        "cut-in-header": (good[:700], "ends in its header"),
        "cut-in-weights": (good[:-100_000], "it ends after"),
        "many-tensors": (patched(8, 2**60), "tensors; "),
        "many-keys": (patched(16, 2**63), "keys; "),
        "long-key": (patched(24, 2**40), "bytes of a key"),
        "no-gguf": (b"PK\3\4" + good[4:], "no GGUF file"),
        "bitnet-i2-s": (rebuilt(tensors=tensors(QUERY, kind=36)), "type 36 is BitNet i2_s, of a fork"),
        "unknown-type": (rebuilt(tensors=tensors(QUERY, kind=99)), "type 99 is not known"),
        "overflow": (rebuilt(tensors=tensors(QUERY, shape=(2**62, 2**62))), "it ends after"),
        "twice": (build([*entries(), entries()[0]], models.net(BASE).stored()), "is there twice"),
        "tensor-twice": (
            rebuilt(
                tensors=[*models.net(BASE).stored(), StoredTensor("output_norm.weight", (256,), 0, rows)]
            ),
            "is there twice",
        ),
        "blocks": (rebuilt(Entry.of("llama.block_count", 2**31)), "must be a number"),
        "split": (rebuilt(Entry.of("split.count", 2)), "split into several files"),
        "template-size": (with_template("x" * 500_000), "chat template has 500000"),
    }


@cache
def refused_late() -> Mapping[str, tuple[bytes, str]]:
    """Files whose header is in order and that llama.cpp or our template refuses, and why."""
    wild = np.full(256, np.nan, "<f4").tobytes()
    stored = models.net(BASE).stored()
    fewer = [each for each in stored if each.name != "blk.1.ffn_up.weight"]
    kinds = Entry("tokenizer.ggml.token_type", ARRAY, packed_array(U32, [1]))
    return {
        "no-heads": (rebuilt(Entry.of("llama.attention.head_count", 0)), "wrong shape"),
        "odd-heads": (rebuilt(Entry.of("llama.attention.head_count_kv", 3)), "wrong shape"),
        "other-width": (rebuilt(Entry.of("llama.embedding_length", 128)), "invalid n_rot"),
        "no-width": (rebuilt(Entry.of("llama.embedding_length", 0)), "invalid n_rot"),
        "more-layers": (rebuilt(Entry.of("llama.block_count", 3)), "'blk.2.attn_norm.weight' not found"),
        "unknown-architecture": (build(renamed("mystery"), stored), "unknown model architecture: 'mystery'"),
        "other-architecture": (
            build(renamed("rwkv7"), stored),
            "key not found in model: rwkv7.wkv.head_size",
        ),
        "nan": (
            rebuilt(tensors=tensors("output_norm.weight", data=wild)),
            "'output_norm.weight' has invalid data",
        ),
        "missing-tensor": (rebuilt(tensors=fewer), "'blk.1.ffn_up.weight' not found"),
        "no-tokenizer": (rebuilt(without="tokenizer.ggml.model"), "tokenizer.ggml.model"),
        "no-tokens": (rebuilt(without="tokenizer.ggml.tokens"), "cannot find tokenizer vocab"),
        "token-kinds": (rebuilt(kinds), "tokenizer.ggml.token_type"),
        "pre-tokenizer": (rebuilt(Entry.of("tokenizer.ggml.pre", "nonsense")), "'nonsense'"),
        "template-syntax": (with_template("{% for x in %}"), "chat template is broken"),
    }


@cache
def borne() -> Mapping[str, bytes]:
    """Odd files that llama.cpp makes the best of."""
    merges = Entry("tokenizer.ggml.merges", ARRAY, packed_array(STRING, ["", " ", "\0 \0"]))
    return {
        "end-token": rebuilt(Entry.of("tokenizer.ggml.eos_token_id", 2**32 - 1)),
        "merges": rebuilt(merges),
    }


@cache
def deadly() -> Mapping[str, bytes]:
    """Files that make llama.cpp abort the process it is in."""
    return {
        "three-shifts": rebuilt(Entry.of("rwkv7.token_shift_count", 3), base="rwkv7"),
        "odd-head-size": rebuilt(Entry.of("rwkv7.wkv.head_size", 48), base="rwkv7"),
    }


def templates() -> Mapping[str, str]:
    """Chat templates that load, and what they do when they are used."""
    return {
        "template-loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "template-grows": "{% set ns = namespace(x='xxxxxxxxxxxxxxxx') %}{% for a in range(22) %}"
        "{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "template-multiplies": "{{ 'x' * 99999999999999 }}",
        "template-escapes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "template-recurses": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    }


def flipped(number: int) -> bytes:
    """A good file with a few bits of its header turned over."""
    dice = random.Random(number)  # noqa: S311  # not for secrets
    data = bytearray(models.data(BASE))
    header = len(data) - sum(len(each.data) for each in models.net(BASE).stored()) - 64
    for _ in range(dice.choice((1, 1, 2, 8))):
        data[dice.randrange(4, header)] ^= 1 << dice.randrange(8)
    return bytes(data)


FLIPS = range(12)


def all_files() -> dict[str, bytes]:
    return {
        GOOD: models.data(models.CHAT),
        **{name: data for name, (data, _) in refused_early().items()},
        **{name: data for name, (data, _) in refused_late().items()},
        **borne(),
        **deadly(),
        **{name: with_template(text) for name, text in templates().items()},
        **{f"flip-{number}": flipped(number) for number in FLIPS},
    }


def write_manifest(folder: Path, files: Mapping[str, bytes]) -> Path:
    """A manifest that vouches for each of these files: size and sha256 are right."""
    shipped = yaml.safe_load((SOURCE / "models-manifest.yaml").read_text())
    entry = next(each for each in shipped["models"] if each.get("embedded"))
    entry = {key: value for key, value in entry.items() if key not in ("draft_for", "kv_bytes_per_token")}
    shipped["models"] = [
        {**entry, "id": name, "name": name, "embedded": name == GOOD, "file": f"{name}.gguf",
         "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "context": 4096}
        for name, data in files.items()
    ]  # fmt: skip
    for tier in shipped.get("tiers", []):
        tier["models"] = {"chat": [GOOD]}
    manifest = folder / "manifest.yaml"
    manifest.write_text(yaml.safe_dump(shipped, sort_keys=False))
    return manifest


@pytest.fixture(scope="module")
def service(
    system_bus: SystemBus, runtime: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ryzan]:
    """The service with one good model and many bad ones, one for all tests of this file."""
    folder = tmp_path_factory.mktemp("hostile")
    files = all_files()
    (folder / f"{BESIDE}.gguf").write_bytes(refused_early()["no-gguf"][0])
    for name, data in files.items():
        (folder / f"{name}.gguf").write_bytes(data)
    (folder / "ryzan.toml").write_text(LIMITS)
    ryzan = Ryzan(bus=system_bus, folder=tmp_path_factory.mktemp("ryzan"), env={
        "SIGMAVAULT_RUNTIME": os.fspath(runtime),
        "SIGMAVAULT_MODELS": os.fspath(folder),
        "SIGMAVAULT_MANIFEST": os.fspath(write_manifest(folder, files)),
        "SIGMAVAULT_CONFIG": os.fspath(folder),
    })  # fmt: skip
    folder.chmod(0o755)
    try:
        ryzan.wait_ready()
        assert ask(ryzan, GOOD).status_code == 200
        yield ryzan
        assert ryzan.process.poll() is None, ryzan.log.read_text()
        assert "Traceback" not in ryzan.log.read_text()
    finally:
        ryzan.stop()


def ask(ryzan: Ryzan, model: str) -> httpx.Response:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 4,
        "temperature": 0,
    }
    return ryzan.client(timeout=90).post(CHAT, json=body)


@pytest.fixture
def alive(service: Ryzan) -> Iterator[Ryzan]:
    """After each test the service is the same process, and a good model answers."""
    yield service
    assert service.process.poll() is None
    assert ask(service, GOOD).status_code == 200


@pytest.mark.parametrize("name", refused_early())
def test_what_the_header_gives_away_reaches_no_native_code(alive: Ryzan, name: str) -> None:
    before = alive.log.read_text()
    answer = ask(alive, name)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_refused")
    assert refused_early()[name][1] in answer.json()["error"]["message"]
    assert "signal" not in alive.log.read_text().removeprefix(before)


def test_the_reason_is_told_without_a_load_too(alive: Ryzan) -> None:
    ask(alive, "cut-in-weights")
    for model, reason in (("cut-in-weights", "it ends after"), (f"local/{BESIDE}", "no GGUF file")):
        answer = alive.client().get(f"/v1/models/{model}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_refused")
        assert reason in answer.json()["error"]["message"]
        assert answer.json()["error"] == ask(alive, model).json()["error"]


def load_failure(ryzan: Ryzan, name: str) -> tuple[str, str]:
    """Code and message of a refusal."""
    answer = ask(ryzan, name)
    assert answer.status_code == 404, answer.text
    error = answer.json()["error"]
    return error["code"], error["message"]


@pytest.mark.parametrize("name", refused_late())
def test_what_llama_cpp_refuses_is_refused(alive: Ryzan, name: str) -> None:
    code, message = load_failure(alive, name)
    assert code == "model_refused"
    assert refused_late()[name][1] in message


@pytest.mark.parametrize("name", borne())
def test_what_llama_cpp_bears_is_served(alive: Ryzan, name: str) -> None:
    assert ask(alive, name).status_code == 200


@pytest.mark.parametrize("name", deadly())
def test_what_kills_llama_cpp_kills_one_process(alive: Ryzan, name: str) -> None:
    code, message = load_failure(alive, name)
    assert code == "model_refused"
    assert "signal 6" in message  # abort()


@pytest.mark.parametrize("name", templates())
def test_templates_are_stopped(alive: Ryzan, name: str) -> None:
    answer = ask(alive, name)
    assert answer.status_code in (400, 404), answer.text
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("number", FLIPS)
def test_turned_bits_are_refused_or_borne(alive: Ryzan, number: int) -> None:
    answer = ask(alive, f"flip-{number}")
    assert answer.status_code in (200, 400, 404), answer.text
    if answer.status_code != 200:
        assert answer.json()["error"]["message"]


def test_no_process_of_a_refused_model_is_left(alive: Ryzan) -> None:
    bad = ("cut-in-weights", "other-width", "three-shifts")
    for name in bad:
        assert ask(alive, name).status_code == 404
    served = {each["id"] for each in alive.client().get("/v1/models").json()["data"]}
    assert GOOD in served
    children = Path(f"/proc/{alive.process.pid}/task/{alive.process.pid}/children").read_text().split()
    held = [Path(f"/proc/{child}/maps").read_text() for child in children]
    assert not any(f"/{name}.gguf" in maps for maps in held for name in bad)


MUTANTS = 2000


def mutant(number: int) -> bytes:
    """A good header, cut, turned over or overwritten in one or two places; little is behind it."""
    dice = random.Random(number)  # noqa: S311  # not for secrets
    small = [StoredTensor(each.name, (32,), 0, bytes(128)) for each in models.net(BASE).stored()]
    data = bytearray(build(entries(), small))
    end = len(data) - 128 * len(small)
    for _ in range(dice.choice((1, 1, 2))):
        at = dice.randrange(4, end - 8)
        match dice.randrange(4):
            case 0:
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                data[at : at + 4] = struct.pack("<I", dice.choice((0, 1, 7, 9, 36, 2**31, 2**32 - 1)))
            case 2:
                data[at : at + 8] = struct.pack("<Q", dice.choice((0, 1, 2**20, 2**40, 2**63, 2**64 - 1)))
            case _:
                del data[at : at + dice.randrange(1, 16)]
    return bytes(data)


def is_accepted(data: bytes) -> bool:
    try:
        read_header(BytesIO(data), len(data))
    except ModelRefusedError:
        return False
    return True


def test_our_check_is_at_least_as_strict_as_llama_cpp(runtime: Path, tmp_path: Path) -> None:
    """No header passes ours and fails at theirs."""
    accepted = {}
    for number in range(MUTANTS):
        file = tmp_path / f"{number}.gguf"
        file.write_bytes(data := mutant(number))
        accepted[file.name] = is_accepted(data)
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "gguf_verdicts.py", runtime, *sorted(tmp_path.iterdir())],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, timeout=60,
    )  # fmt: skip
    theirs = dict(line.split() for line in done.stdout.splitlines())
    assert len(theirs) == MUTANTS
    assert not [name for name, ours in accepted.items() if ours and theirs[name] != "read"]
    # both verdicts occur, or nothing was compared
    assert MUTANTS / 20 < sum(accepted.values()) < MUTANTS * 19 / 20
