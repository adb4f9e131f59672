"""Every architecture family loads and computes what its reference in numpy computes."""

from __future__ import annotations

import ctypes
import json
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sigmavault.core.gguf_types import FILE_TYPES, TENSOR_TYPES

from tests.services import models, native
from tests.services.daemon import SOURCE, Ryzan, SystemBus
from tests.services.models import vocabularies
from tests.services.models.formats import FORMATS, Array

TEXTS = ["The pool is ", "In the other disk there are errors at "]
"""Read together; the second one is longer than the others' parts of a batch, so it comes in several."""
TOKENS = 32
GENERATING = [name for name, kind in models.KINDS.items() if kind.reference]
SENTENCES = ["The disk is full", "my photos"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def generated(folder: Path, runtime: Path) -> native.Ran:
    files = [models.make(kind, folder) for kind in GENERATING]
    return native.run(native.command("generate", runtime, files), {"texts": TEXTS, "tokens": TOKENS})


@dataclass(frozen=True, slots=True)
class Step:
    """One token: what llama.cpp wrote and what the reference says of that place."""

    written: int
    logits: Array
    expected: Array

    @property
    def margin(self) -> float:
        second, first = np.partition(self.expected, -2)[-2:]
        return float(first - second)


def steps(ran: native.Ran, kind: str) -> Iterator[Step]:
    """All places of both texts; the reference reads what llama.cpp wrote."""
    for result in ran.results[kind]:
        reference = models.reference(kind)
        for token in result["prompt"]:
            expected = reference.step(token)
        for written, logits in zip(result["written"], result["logits"], strict=True):
            yield Step(written, np.array(logits), expected)
            expected = reference.step(written)


@pytest.mark.parametrize("kind", GENERATING)
def test_greedy_tokens_and_logits_are_the_reference_s(generated: native.Ran, kind: str) -> None:
    tolerance = models.KINDS[kind].tolerance
    found = list(steps(generated, kind))
    assert len(found) == TOKENS * len(TEXTS)
    furthest = max(float(np.abs(each.logits - each.expected).max()) for each in found)
    assert furthest < tolerance
    # No place is a near-tie, so not one token may differ, whichever kernel computed it.
    assert min(each.margin for each in found) > 2 * tolerance
    assert [each.written for each in found] == [int(each.expected.argmax()) for each in found]


@pytest.mark.parametrize("kind", GENERATING)
def test_the_answers_are_no_monotony(generated: native.Ran, kind: str) -> None:
    """A model that repeats one token would prove little."""
    for result in generated.results[kind]:
        assert len(set(result["written"])) >= 8


def test_both_ternary_formats_hold_the_same_weights(generated: native.Ran) -> None:
    first, second = (models.net(f"llama-{form}") for form in ("tq1_0", "tq2_0"))
    assert all(np.array_equal(first[name], second[name]) for name in first.weights)
    assert first["blk.0.ffn_up.weight"].shape[1] % FORMATS["tq1_0"].block == 0
    written = [
        [each["written"] for each in generated.results[f"llama-{form}"]] for form in ("tq1_0", "tq2_0")
    ]
    assert written[0] == written[1]


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "f32"])
def test_ggml_reads_our_blocks_as_we_meant_them(runtime: Path, form: str) -> None:
    """The weights of the reference and the bytes in the file are the same numbers."""
    base = ctypes.CDLL(os.fspath(runtime / "python/llama_cpp/lib/libggml-base.so.0"))
    weights = models.net(f"llama-{form}").weights["blk.0.ffn_up.weight"]
    read = np.empty(weights.values.shape, np.float32)
    dequantise = getattr(base, f"dequantize_row_{form}")
    dequantise.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int64]
    dequantise(weights.data, read.ctypes.data, read.size)
    assert np.array_equal(read, weights.values)


def test_embeddings_are_the_reference_s(folder: Path, runtime: Path) -> None:
    file = models.make("bert", folder)
    ran = native.run(native.command("embed", runtime, [file]), {"texts": SENTENCES})
    for result, tokens in zip(ran.results["bert"], ([2, 5, 6, 8, 9, 3], [2, 15, 16, 12, 3]), strict=True):
        assert result["tokens"] == tokens
        vector, expected = np.array(result["vector"]), models.embed("bert", tokens)
        cosine = vector @ expected / np.linalg.norm(vector) / np.linalg.norm(expected)
        assert cosine > 0.99999
        assert np.abs(vector - expected).max() < models.KINDS["bert"].tolerance


@pytest.fixture(scope="module")
def service(
    system_bus: SystemBus, runtime: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ryzan]:
    """The service with all tiny models as files that somebody put into its folder."""
    folder = tmp_path_factory.mktemp("served")
    folder.chmod(0o755)
    for kind in models.KINDS:
        models.make(kind, folder)
    ryzan = Ryzan(bus=system_bus, folder=tmp_path_factory.mktemp("ryzan"), env={
        "SIGMAVAULT_RUNTIME": os.fspath(runtime),
        "SIGMAVAULT_MODELS": os.fspath(folder),
        "SIGMAVAULT_MANIFEST": os.fspath(SOURCE / "models-manifest.yaml"),
    })  # fmt: skip
    try:
        ryzan.wait_ready()
        yield ryzan
        assert ryzan.process.poll() is None, ryzan.log.read_text()
    finally:
        ryzan.stop()


def spelled(kind: str, tokens: Sequence[int]) -> str:
    """The text of readable tokens."""
    names = vocabularies.RWKV_TOKENS if kind == "rwkv7" else vocabularies.BPE_TOKENS
    text = "".join(names[each] for each in tokens)
    plain = re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text)
    return plain.replace("\\n", "\n").replace("Ġ", " ")


@pytest.mark.parametrize("kind", GENERATING)
def test_the_service_writes_what_the_reference_writes(
    service: Ryzan, generated: native.Ran, kind: str
) -> None:
    """The whole way, both texts at once: scheduler, sequences and detokeniser of ours on each family."""

    def write(text: str) -> str:
        body = {"model": f"local/{kind}", "prompt": text, "max_tokens": TOKENS, "temperature": 0}
        answer = service.client().post("/v1/completions", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["choices"][0]["text"])

    with ThreadPoolExecutor() as threads:
        texts = list(threads.map(write, TEXTS))
    assert texts == [spelled(kind, each["written"]) for each in generated.results[kind]]


@pytest.mark.parametrize("kind", GENERATING)
def test_the_service_chats_with_every_family(service: Ryzan, kind: str) -> None:
    body = {"model": f"local/{kind}", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8}
    answer = service.client().post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"]["completion_tokens"] == 8


def test_files_are_the_same_each_time(folder: Path) -> None:
    for kind in models.KINDS:
        models.net.cache_clear()
        first = models.data(kind)
        models.net.cache_clear()
        assert models.make(kind, folder).read_bytes() == first


class _Traits(ctypes.Structure):
    """The beginning of `ggml_type_traits`."""

    _fields_ = (("name", ctypes.c_char_p), ("block", ctypes.c_int64), ("interleave", ctypes.c_int64),
                ("size", ctypes.c_size_t))  # fmt: skip


def test_our_table_of_tensor_types_is_the_library_s(runtime: Path) -> None:
    base = ctypes.CDLL(os.fspath(runtime / "python/llama_cpp/lib/libggml-base.so.0"))
    base.ggml_get_type_traits.restype = ctypes.POINTER(_Traits)
    header = (runtime / "python/include/ggml.h").read_text()
    match = re.search(r"GGML_TYPE_COUNT\s*=\s*(\d+)", header)
    assert match
    traits = {number: base.ggml_get_type_traits(number)[0] for number in range(int(match[1]))}
    known = {number: each for number, each in traits.items() if each.block > 0}
    assert {number: (each.name, each.block, each.size) for number, each in TENSOR_TYPES.items()} == {
        number: (each.name.decode(), each.block, each.size) for number, each in known.items()
    }


def test_our_table_of_file_types_is_the_library_s(runtime: Path) -> None:
    header = (runtime / "python/include/llama.h").read_text()
    found = re.findall(r"^\s+LLAMA_FTYPE_(?:MOSTLY|ALL)_(\w+)\s*=\s*(\d+)", header, re.MULTILINE)
    assert {number: name.removesuffix("_MOE") for number, name in FILE_TYPES.items()} == {
        int(number): name.removesuffix("_MOE") for name, number in found
    }, json.dumps(found)
