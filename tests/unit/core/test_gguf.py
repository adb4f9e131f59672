"""The header of a model file, from right files and from files made to hurt."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sigmavault.core.errors import ModelRefusedError
from sigmavault.core.gguf import Header, Pooling, read_header
from sigmavault.core.values import MIB

from tests.services import models
from tests.services.models.gguf_file import (
    ARRAY,
    BOOL,
    STRING,
    U32,
    Entry,
    StoredTensor,
    build,
    packed_array,
    packed_string,
)

ENTRIES = (
    Entry.of("general.architecture", "llama"),
    Entry.of("general.name", "A small one"),
    Entry.of("general.file_type", 7),
    Entry.of("llama.block_count", 2),
    Entry.of("llama.context_length", 2048),
    Entry.of("llama.embedding_length", 64),
    Entry.of("llama.attention.head_count", 4),
    Entry.of("llama.attention.head_count_kv", 2),
    Entry.array("tokenizer.ggml.tokens", STRING, ["<s>", "a", "b", "c"]),
    Entry.array("tokenizer.ggml.token_type", 5, [3, 1, 1, 1]),
    Entry.of("tokenizer.chat_template", "{{ messages[0]['content'] }}"),
)
TENSORS = (
    StoredTensor("token_embd.weight", (64, 4), 8, bytes(64 * 4 // 32 * 34)),
    StoredTensor("output_norm.weight", (64,), 0, bytes(256)),
)
VALID = build(ENTRIES, TENSORS)
HEADER_END = VALID.index(TENSORS[1].packed(288)) + len(TENSORS[1].packed(288))


def read(data: bytes) -> Header:
    return read_header(io.BytesIO(data), len(data))


def with_entries(*changed: Entry, without: Iterable[str] = ()) -> bytes:
    """The valid file with these keys replaced or added."""
    gone = {*without, *(each.key for each in changed)}
    return build([*(each for each in ENTRIES if each.key not in gone), *changed], TENSORS)


def refusal(data: bytes, size: int | None = None) -> str:
    with pytest.raises(ModelRefusedError) as caught:
        read_header(io.BytesIO(data), len(data) if size is None else size)
    return caught.value.message


def test_a_header_is_read() -> None:
    assert read(VALID) == Header(
        version=3, architecture="llama", name="A small one", quantisation="Q8_0", context_length=2048,
        block_count=2, embedding_length=64, vocabulary=4, chat_template="{{ messages[0]['content'] }}",
        pooling=None, tensors=2, tensor_bytes=272 + 256,
        kv_bytes_per_token=2 * 2 * (16 + 16) * 2,
    )  # fmt: skip


@pytest.mark.parametrize("kind", models.KINDS)
def test_headers_of_all_families_are_read(kind: str) -> None:
    header = read(models.data(kind))
    family, _, form = kind.partition("-")
    assert header.architecture == family
    assert header.quantisation == (form or "f32").upper()
    assert header.block_count == (3 if family == "granitehybrid" else 2)
    assert (header.kv_bytes_per_token == 0) == (family in ("mamba", "rwkv7"))
    assert header.pooling == (Pooling.MEAN if kind == "bert" else None)
    assert bool(header.chat_template) == (kind != "bert")


def test_version_2_is_read_and_others_are_not() -> None:
    assert read(build(ENTRIES, TENSORS, version=2)).version == 2
    for version in (0, 1, 4, 0x03000000):
        assert refusal(build(ENTRIES, TENSORS, version=version)) == f"GGUF version {version} is not supported"


def test_what_is_no_gguf_file_is_called_so() -> None:
    assert refusal(b"PK\x03\x04" + bytes(100)) == "it is no GGUF file"
    assert refusal(b"") == "it ends in its header, after 0 bytes"


def test_a_file_that_ends_anywhere_is_refused() -> None:
    for end in range(HEADER_END):
        assert "ends in its header" in refusal(VALID[:end])
    for end in (HEADER_END, len(VALID) - 288 - 256):
        assert "tensor 'token_embd.weight' ends at" in refusal(VALID[:end])
    for end in (len(VALID) - 256, len(VALID) - 1):
        assert "tensor 'output_norm.weight' ends at" in refusal(VALID[:end])


def test_size_is_believed_over_what_can_still_be_read() -> None:
    """A file that grows or shrinks while it is read."""
    assert "ends in its header" in refusal(VALID, size=100)
    assert "ends in its header" in refusal(VALID[:100], size=len(VALID))


def test_i2_s_is_refused_by_name() -> None:
    data = build(ENTRIES, [StoredTensor("blk.0.attn_q.weight", (64, 64), 36, bytes(1024))])
    assert refusal(data) == (
        "tensor 'blk.0.attn_q.weight': type 36 is BitNet i2_s, of a fork; stock llama.cpp refuses it"
    )


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (StoredTensor("a", (64,), 4, bytes(64)), "type 4 was removed from llama.cpp"),
        (StoredTensor("a", (64,), 43, bytes(64)), "type 43 is not known"),
        (StoredTensor("a", (64,), 0xFFFFFFFF, bytes(64)), "type 4294967295 is not known"),
        (StoredTensor("a", (33,), 8, bytes(64)), "rows of 33"),
        (StoredTensor("a", (), 0, bytes(64)), "0 dimensions"),
        (StoredTensor("a", (1, 1, 1, 1, 1), 0, bytes(64)), "5 dimensions"),
        (StoredTensor("a", (4, 0), 0, bytes(64)), "is empty"),
        (StoredTensor("", (4,), 0, bytes(64)), "name is empty"),
        (StoredTensor("a" * 64, (4,), 0, bytes(64)), "claims 64 bytes of a tensor's name"),
        (StoredTensor("a", (2**62, 4), 0, bytes(64)), "ends after"),
        (StoredTensor("a", (2**63, 2**63, 2**63, 2**63), 0, bytes(64)), "ends after"),
    ],
)
def test_wrong_tensors_are_refused(tensor: StoredTensor, reason: str) -> None:
    assert reason in refusal(build(ENTRIES, [tensor]))


def test_tensors_lie_one_after_the_other_and_once() -> None:
    assert "is there twice" in refusal(build(ENTRIES, [TENSORS[1], TENSORS[1]]))
    place = VALID.index(struct.pack("<IQ", 0, 288))
    for offset in (0, 287, 320, 2**64 - 1):
        moved = VALID[: place + 4] + struct.pack("<Q", offset) + VALID[place + 12 :]
        assert "where 288 is its place" in refusal(moved)
    assert refusal(build(ENTRIES, [])) == "it holds no tensors"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Entry.of("general.architecture", 7), "general.architecture is not text"),
        (Entry.of("general.architecture", "../x"), "does not say its architecture"),
        (Entry.of("general.type", "adapter"), "it is no model but 'adapter'"),
        (Entry.of("split.count", 3), "split into several files"),
        (Entry.of("general.alignment", 0), "no power of two"),
        (Entry.of("general.alignment", 48), "no power of two"),
        (Entry.of("general.alignment", 2**31), "must be a number from 0 to"),
        (Entry.of("llama.block_count", "two"), "must be a number"),
        (Entry.of("llama.block_count", value=True), "must be a number"),
        (Entry.of("llama.block_count", 513), "must be a number from 0 to 512"),
        (Entry.of("llama.expert_count", 4096), "must be a number from 0 to 1024"),
        (Entry.of("llama.embedding_length", 1 << 21), "must be a number"),
        (Entry.of("llama.pooling_type", 9), "must be a number from 0 to 4"),
        (Entry.of("tokenizer.chat_template", "x" * 300_000), "template has 300000 characters"),
        (Entry("a", 99, b""), "is of type 99"),
        (Entry("a", ARRAY, struct.pack("<IQ", ARRAY, 1)), "array of arrays"),
        (Entry("a", ARRAY, struct.pack("<IQ", 77, 1)), "is of type 77"),
        (Entry("", U32, bytes(4)), "a key is empty"),
        (Entry("k" * 2000, U32, bytes(4)), "bytes of a key"),
    ],
)
def test_wrong_keys_are_refused(entry: Entry, reason: str) -> None:
    assert reason in refusal(with_entries(entry))


def test_missing_and_double_keys_are_refused() -> None:
    assert refusal(with_entries(without=["general.architecture"])) == "it does not say its architecture"
    assert refusal(with_entries(without=["llama.block_count"])) == "it does not say llama.block_count"
    assert "'general.name' is there twice" in refusal(build([*ENTRIES, ENTRIES[1]], TENSORS))
    tokens = next(each for each in ENTRIES if each.key == "tokenizer.ggml.tokens")
    assert "is there twice" in refusal(build([*ENTRIES, tokens], TENSORS))


def test_names_out_of_the_file_are_harmless_in_a_log() -> None:
    assert read(with_entries(Entry.of("general.name", "a\x1b[2J\n<0>b" + "c" * 500))).name.startswith(
        "a[2J<0>b"
    )
    message = refusal(build(ENTRIES, [StoredTensor("\x1b]0;x\n", (4,), 99, bytes(64))]))
    assert message.isprintable()
    assert read(with_entries(Entry("general.name", STRING, packed_string(b"\xff\xfe")))).name == "��"
    bad_key = build([*ENTRIES, Entry("x", BOOL, b"\1")], TENSORS).replace(
        b"\1\0\0\0\0\0\0\0x", b"\1" + bytes(7) + b"\xff"
    )
    assert refusal(bad_key) == "a key is no UTF-8 text"


def test_memory_per_token_follows_each_layer() -> None:
    heads = Entry("llama.attention.head_count_kv", ARRAY, packed_array(U32, [0, 4]))
    assert read(with_entries(heads)).kv_bytes_per_token == 4 * 32 * 2
    for odd in ([1, 2, 3], [1] * 600):
        wrong = Entry("llama.attention.head_count_kv", ARRAY, packed_array(U32, odd))
        assert read(with_entries(wrong)).kv_bytes_per_token is None
    wide = read(with_entries(Entry.of("llama.attention.key_length", 128)))
    assert wide.kv_bytes_per_token == 2 * 2 * (128 + 16) * 2
    assert read(with_entries(Entry.of("llama.attention.kv_lora_rank", 64))).kv_bytes_per_token is None


def test_without_a_file_type_the_weights_name_the_quantisation() -> None:
    assert read(with_entries(without=["general.file_type"])).quantisation == "Q8_0"


def bomb(kind: str) -> tuple[bytes, int]:
    """A small file, or one that is all header, and the size it has."""
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
    many = 2**40
    match kind:
        case "keys":
            return b"GGUF" + struct.pack("<IQQ", 3, 1, many), many
        case "tensors":
            return b"GGUF" + struct.pack("<IQQ", 3, many, 1), many
        case "key":
            return head + struct.pack("<Q", many), many
        case "text":
            return head + packed_string("a") + struct.pack("<IQ", STRING, many), many
        case "array":
            return head + packed_string("a") + struct.pack("<IIQ", ARRAY, U32, many), many
        case "short array in a short file":
            return head + packed_string("a") + struct.pack("<IIQ", ARRAY, U32, 2**25), 200
        case "texts":
            data = head + packed_string("a") + struct.pack("<IIQ", ARRAY, STRING, 2**21) + bytes(2**24)
            return data, len(data)
        case "some texts":
            data = head + packed_string("a") + struct.pack("<IIQ", ARRAY, STRING, 2**16) + bytes(2**19)
            return data, len(data)
        case "more texts":
            data = head + packed_string("a") + struct.pack("<IIQ", ARRAY, STRING, 2**21 + 1) + bytes(2**25)
            return data, len(data)
        case "long texts":
            texts = [Entry("k" + str(at), STRING, packed_string("x" * MIB)) for at in range(20)]
            data = build(texts, TENSORS)
            return data, len(data)
        case "small arrays":
            entry = packed_array(U32, range(10**6, 10**6 + 512))
            data = build([Entry("k" + str(at), ARRAY, entry) for at in range(2000)], TENSORS)
            return data, len(data)
        case _:
            data = head + packed_string("a") + struct.pack("<IIQ", ARRAY, 0, 70 * MIB) + bytes(70 * MIB)
            return data, len(data)


BOMBS = ["keys", "tensors", "key", "text", "array", "short array in a short file", "some texts", "more texts",
         "long texts", "small arrays", "header"]  # fmt: skip


@pytest.mark.parametrize("kind", [*BOMBS, "texts"])
def test_bombs_cost_little_time(kind: str) -> None:
    data, size = bomb(kind)
    begun = time.process_time()
    with pytest.raises(ModelRefusedError):
        read_header(io.BytesIO(data), size)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_cost_little_memory(kind: str) -> None:
    data, size = bomb(kind)
    stream = io.BytesIO(data)
    tracemalloc.start()
    try:
        with pytest.raises(ModelRefusedError):
            read_header(stream, size)
        assert tracemalloc.get_traced_memory()[1] < 48 * MIB
    finally:
        tracemalloc.stop()


class Failing(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


def test_a_disk_that_fails_is_a_reason() -> None:
    with pytest.raises(ModelRefusedError, match="cannot be read: Input/output error"):
        read_header(Failing(), 1000)


EXTREMES = [0, 1, 2**7, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
edits = st.lists(
    st.one_of(
        st.tuples(st.just("byte"), st.integers(0, HEADER_END - 1), st.integers(0, 255)),
        st.tuples(st.just("u32"), st.integers(0, HEADER_END - 1), st.sampled_from(EXTREMES)),
        st.tuples(st.just("u64"), st.integers(0, HEADER_END - 1), st.sampled_from(EXTREMES)),
        st.tuples(st.just("cut"), st.integers(0, len(VALID)), st.just(0)),
        st.tuples(st.just("drop"), st.integers(0, HEADER_END - 1), st.integers(1, 64)),
        st.tuples(st.just("insert"), st.integers(0, HEADER_END - 1), st.integers(1, 64)),
    ),
    min_size=1,
    max_size=4,
)


def edit(data: bytes, change: tuple[str, int, int]) -> bytes:
    how, at, value = change
    match how:
        case "byte":
            return data[:at] + bytes([value]) + data[at + 1 :]
        case "u32":
            return data[:at] + struct.pack("<I", value % 2**32) + data[at + 4 :]
        case "u64":
            return data[:at] + struct.pack("<Q", value) + data[at + 8 :]
        case "cut":
            return data[:at]
        case "drop":
            return data[:at] + data[at + value :]
        case _:
            return data[:at] + data[max(at - value, 0) : at] + data[at:]


@settings(max_examples=600, deadline=1000, suppress_health_check=[HealthCheck.too_slow])
@given(edits)
def test_no_change_to_a_file_does_worse_than_a_refusal(changes: list[tuple[str, int, int]]) -> None:
    data = VALID
    for change in changes:
        data = edit(data, change)
    try:
        header = read(data)
    except ModelRefusedError as error:
        assert error.message.isprintable()
    else:
        assert header.name.isprintable()
        assert header.tensor_bytes <= len(data)


@given(st.binary(max_size=400))
def test_no_bytes_do_worse_than_a_refusal(tail: bytes) -> None:
    data = VALID[:24] + tail
    with pytest.raises(ModelRefusedError):
        read(data)
