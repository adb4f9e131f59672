"""One model in llama.cpp, through llama-cpp-python's ctypes layer.

Only here, in `sampling.py` and in `form.py` llama.cpp is known. Not re-entrant: one thread uses an object of
this class. Native code may abort the process; that is why a model lives in a process of its own.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigmavault.core.chat import GenerateRequest
from sigmavault.core.errors import ModelRefusedError, WorkerLostError
from sigmavault.ryzan.worker.sampling import Probe, Sampler

_LOG_ERROR = 4
_MMAP = 1
_NO_ROOM = 1
_SILENT = 1 | 8  # LLAMA_TOKEN_ATTR_UNKNOWN, _CONTROL
_POOLING_NONE = 0
_POOLING_MEAN = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes of a context; they decide its memory.

    Attributes:
        context: tokens that all sequences together may hold.
        sequences: how many are decoded at once.
        batch: most tokens of one step.
        kept: how many more sequences the context can hold, for what is reused.
    """

    context: int
    sequences: int
    batch: int
    kept: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Tokens of one sequence that a step computes.

    Attributes:
        tokens: which, one after the other.
        position: place of the first in its sequence.
        sequence: number of the sequence.
        output: whether the next token will be chosen after the last.
    """

    tokens: list[int]
    position: int
    sequence: int
    output: bool


def _import_bindings(runtime: Path) -> Any:
    """llama-cpp-python's ctypes module, without the package's `__init__`.

    That one imports the high-level class and with it numpy, diskcache and more: memory and seconds of
    start-up, under emulation many, for nothing.
    """
    folder = runtime / "python"
    if not (folder / "llama_cpp/llama_cpp.py").is_file():
        raise ModelRefusedError(f"llama-cpp-python is not in {folder}: sigmavault-runtime is missing")
    sys.path.append(os.fspath(folder))
    package = types.ModuleType("llama_cpp")
    package.__path__ = [os.fspath(folder / "llama_cpp")]
    sys.modules["llama_cpp"] = package
    return importlib.import_module("llama_cpp.llama_cpp")


class _Library:
    """llama.cpp itself, for all models of the process."""

    def __init__(self, runtime: Path) -> None:
        self.api = _import_bindings(runtime)
        self.first = self.last = ""
        self._log = self.api.llama_log_callback(self._listen)  # kept: C holds only a pointer
        self.api.llama_log_set(self._log, None)
        # An explicit folder: ggml's own search includes the current directory.
        backends = ctypes.CDLL(os.fspath(runtime / "python/llama_cpp/lib/libggml.so.0"))
        backends.ggml_backend_load_all_from_path(os.fsencode(runtime / "ggml"))
        self.api.llama_backend_init()

    def _listen(self, level: int, text: bytes, _data: object) -> None:
        if level == _LOG_ERROR and (said := text.decode(errors="replace").strip()):
            self.first = self.first or said
            self.last = said

    def listen_anew(self) -> None:
        """Forget its errors: the first one from now on is the cause of what follows."""
        self.first = self.last = ""


_open_library = functools.cache(_Library)


class _Batch:
    """The tokens of a step in C's layout.

    Filled by whole slices: writing element by element costs more than the rest of a step's bookkeeping.
    """

    def __init__(self, api: Any, size: int) -> None:
        self._tokens: Any = (ctypes.c_int32 * size)()
        self._positions: Any = (ctypes.c_int32 * size)()
        self._counts = (ctypes.c_int32 * size)(*[1] * size)
        self._sequences: Any = (ctypes.c_int32 * size)()
        places = (ctypes.addressof(self._sequences) + 4 * at for at in range(size))
        numbers = ctypes.POINTER(ctypes.c_int32)
        self._pointers = (numbers * size)(*(ctypes.cast(place, numbers) for place in places))
        self._outputs = (ctypes.c_int8 * size)()
        self.native = api.llama_batch(
            token=self._tokens, pos=self._positions, n_seq_id=self._counts, seq_id=self._pointers,
            logits=self._outputs,
        )  # fmt: skip

    def fill(self, spans: Iterable[Span], *, all_outputs: bool = False) -> None:
        """Lay out the spans one after the other."""
        at = 0
        for span in spans:
            end = at + len(span.tokens)
            self._tokens[at:end] = span.tokens
            self._positions[at:end] = range(span.position, span.position + end - at)
            self._sequences[at:end] = [span.sequence] * (end - at)
            self._outputs[at:end] = [1 if all_outputs else 0] * (end - at)
            self._outputs[end - 1] = span.output
            at = end
        self.native.n_tokens = at


class Llama:
    """A loaded model with a context for several sequences."""

    def __init__(
        self, file: Path, *, runtime: Path, limits: Limits, threads: int, embedding: bool = False
    ) -> None:
        """Load the file.

        Args:
            file: the model.
            runtime: folder of the third-party runtime.
            limits: sizes of the context.
            threads: how many compute.
            embedding: make vectors of texts rather than text.

        Raises:
            ModelRefusedError: llama.cpp cannot load it; the message has its first words about it.
        """
        self._library = _open_library(runtime)
        self._api = self._library.api
        self._model = self._load(file)
        self._vocab = self._api.llama_model_get_vocab(self._model)
        self.vocabulary = int(self._api.llama_vocab_n_tokens(self._vocab))
        self.limits = limits
        self._context = self._open(limits, threads, embedding=embedding)
        self._memory = self._api.llama_get_memory(self._context)
        self._threads = (threads, threads)
        self._batch = _Batch(self._api, limits.batch)
        self._buffer = ctypes.create_string_buffer(512)
        self._probe: Probe | None = None
        self._ends = frozenset(
            token for token in range(self.vocabulary) if self._api.llama_vocab_is_eog(self._vocab, token)
        )

    def _load(self, file: Path) -> Any:
        params = self._api.llama_model_default_params()
        params.n_gpu_layers = 0
        params.load_mode = _MMAP
        params.check_tensors = True
        self._library.listen_anew()
        model = self._api.llama_model_load_from_file(os.fsencode(file), params)
        if not model:
            raise ModelRefusedError(
                f"llama.cpp refuses {file.name}: {self._library.first or 'no reason given'}"
            )
        return model

    def _open(self, limits: Limits, threads: int, *, embedding: bool) -> Any:
        params = self._api.llama_context_default_params()
        params.n_ctx = limits.context
        params.n_batch = params.n_ubatch = limits.batch
        # one to take states from; llama.cpp wants a batch of vectors to be divisible by their number
        params.n_seq_max = limits.sequences + (0 if embedding else limits.kept + 1)
        # llama.cpp wants as many outputs as sequences, although only the active ones have some
        params.n_outputs_max = limits.batch if embedding else params.n_seq_max
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        params.swa_full = True  # a prefix can be shared only while all of it is there
        params.no_perf = True
        params.embeddings = embedding
        self._library.listen_anew()
        context = self._api.llama_init_from_model(self._model, params)
        if context and embedding and self._api.llama_pooling_type(context) == _POOLING_NONE:
            self._api.llama_free(context)
            params.pooling_type = _POOLING_MEAN
            context = self._api.llama_init_from_model(self._model, params)
        if not context:
            raise ModelRefusedError(f"no context for the model: {self._library.first or 'no reason given'}")
        return context

    def close(self) -> None:
        """Give its memory back; nothing may be asked of it afterwards."""
        self._api.llama_free(self._context)
        self._api.llama_model_free(self._model)

    @property
    def trained_context(self) -> int:
        """Longest context that the model was trained for, in tokens."""
        return int(self._api.llama_model_n_ctx_train(self._model))

    @property
    def architecture(self) -> str:
        """What the file says its architecture is."""
        size = self._api.llama_model_meta_val_str(self._model, b"general.architecture", self._buffer, 512)
        return self._buffer.value.decode(errors="replace") if size > 0 else ""

    @property
    def version(self) -> str:
        """Version of llama.cpp, and what it computes with: states of another one are not compatible."""
        parts = (self._api.llama_version(), self._api.llama_print_system_info())
        return " ".join(each.decode(errors="replace") for each in parts)

    @property
    def state_format(self) -> str:
        """What decides how a state is written, beside model and version."""
        return f"f16 unified {self.limits.context}"

    @property
    def recurrent(self) -> bool:
        """Whether the state of a sequence cannot be cut: a part of it is a running summary."""
        model = self._model
        return bool(self._api.llama_model_is_recurrent(model) or self._api.llama_model_is_hybrid(model))

    @property
    def embedding_size(self) -> int:
        """Numbers in a vector."""
        return int(self._api.llama_model_n_embd_out(self._model))

    @property
    def template(self) -> str:
        """The chat template in the file; empty when there is none."""
        found = self._api.llama_model_chat_template(self._model, None)
        return found.decode(errors="replace") if found else ""

    @property
    def adds_begin(self) -> bool:
        """Whether tokenising with special tokens puts the begin-of-text token in front."""
        return bool(self._api.llama_vocab_get_add_bos(self._vocab))

    def begin_text(self) -> str:
        """Text of the begin-of-text token; empty when there is none."""
        return self.text_of(self._api.llama_vocab_bos(self._vocab))

    def end_text(self) -> str:
        """Text of the end-of-text token; empty when there is none."""
        return self.text_of(self._api.llama_vocab_eos(self._vocab))

    def text_of(self, token: int) -> str:
        """How the vocabulary writes a token, special ones too."""
        if token < 0:
            return ""
        return str(self._api.llama_vocab_get_text(self._vocab, token).decode(errors="replace"))

    def controls(self) -> list[str]:
        """Spellings of the tokens that steer the model rather than stand for text."""
        return [self.text_of(each) for each in range(self.vocabulary) if self.is_control(each)]

    def is_control(self, token: int) -> bool:
        """Whether a token steers the model rather than standing for text."""
        return token in self._ends or bool(self._api.llama_vocab_is_control(self._vocab, token))

    def silent(self) -> list[int]:
        """The tokens that an answer does not show and that do not end it: control tokens, and `<unk>`."""
        attributes, others = self._api.llama_vocab_get_attr, set(range(self.vocabulary)) - self._ends
        return [each for each in sorted(others) if attributes(self._vocab, each) & _SILENT]

    def is_end(self, token: int) -> bool:
        """Whether a token ends an answer."""
        return token in self._ends

    def tokenize(self, text: str, *, begin: bool, special: bool) -> list[int]:
        """Turn text into tokens.

        Args:
            text: the text.
            begin: put the begin-of-text token in front, if the model wants one.
            special: read `<|im_end|>` and the like as control tokens, not as text.
        """
        data = text.encode(errors="replace")
        room = len(data) + 8
        tokens = (ctypes.c_int32 * room)()
        count = self._api.llama_tokenize(self._vocab, data, len(data), tokens, room, begin, special)
        if count < 0:
            raise WorkerLostError(f"the tokenizer wants {-count} places for {len(data)} bytes")
        return tokens[:count]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes of a token, possibly part of a character; none for a control token unless `special`."""
        size = self._api.llama_token_to_piece(self._vocab, token, self._buffer, 512, 0, special)
        if size < 0:
            self._buffer = ctypes.create_string_buffer(max(512, -size))
            size = self._api.llama_token_to_piece(self._vocab, token, self._buffer, -size, 0, special)
        return self._buffer.raw[:size]

    def decode(self, spans: Iterable[Span], *, all_outputs: bool = False) -> bool:
        """Compute one step; False when the context has no room for it (nothing was changed then).

        Raises:
            WorkerLostError: llama.cpp failed; the state of the context is unknown.
        """
        self._batch.fill(spans, all_outputs=all_outputs)
        status = self._api.llama_decode(self._context, self._batch.native)
        if status not in (0, _NO_ROOM):
            raise WorkerLostError(f"llama_decode failed with {status}: {self._library.last}")
        return bool(status == 0)

    def vector(self, sequence: int) -> list[float]:
        """What the last step made of a sequence, for a model that makes vectors.

        Raises:
            WorkerLostError: it made nothing.
        """
        found = self._api.llama_get_embeddings_seq(self._context, sequence)
        if not found:
            raise WorkerLostError("the model made no vector")
        return list(found[: self.embedding_size])

    def forget(self, sequence: int) -> None:
        """Free everything that a sequence holds."""
        self._api.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def forget_all(self) -> None:
        """Free everything that all sequences hold."""
        if self._memory:  # a model that only encodes has none
            self._api.llama_memory_clear(self._memory, False)  # noqa: FBT003  # C takes no names

    def share(self, source: int, target: int, count: int) -> None:
        """Let a sequence begin with the first tokens of another one, without computing or copying them.

        For a recurrent model `count` must be all that the other one has.
        """
        end = -1 if self.recurrent else count
        self._api.llama_memory_seq_cp(self._memory, source, target, -1 if self.recurrent else 0, end)

    def cut(self, sequence: int, count: int) -> None:
        """Forget all but the first tokens of a sequence; not for recurrent models."""
        self._api.llama_memory_seq_rm(self._memory, sequence, count, -1)

    def state_bytes(self, sequence: int) -> int:
        """Size of the state of a sequence."""
        return int(self._api.llama_state_seq_get_size(self._context, sequence))

    def save(self, sequence: int) -> bytearray:
        """The state of a sequence."""
        data = bytearray(self.state_bytes(sequence))
        place = (ctypes.c_uint8 * len(data)).from_buffer(data)
        size = self._api.llama_state_seq_get_data(self._context, place, len(data), sequence)
        if size != len(data):
            raise WorkerLostError(
                f"llama.cpp gave {size} of {len(data)} bytes of a state: {self._library.last}"
            )
        return data

    def restore(self, sequence: int, data: bytearray) -> bool:
        """Put a saved state into a sequence that is empty; False when llama.cpp does not take it."""
        place = (ctypes.c_uint8 * len(data)).from_buffer(data)
        size = self._api.llama_state_seq_set_data(self._context, place, len(data), sequence)
        if size != len(data):
            self.forget(sequence)
        return bool(size == len(data))

    def set_threads(self, decode: int, prefill: int) -> None:
        """From the next step on, compute with so many threads."""
        if (decode, prefill) != self._threads:
            self._threads = (decode, prefill)
            self._api.llama_set_n_threads(self._context, decode, prefill)

    def open_sampler(self, request: GenerateRequest) -> Sampler:
        """What chooses the tokens of an answer, as asked; it must be closed.

        Raises:
            InvalidRequestError: the grammar is none, or a token is not in the vocabulary.
        """
        if self._probe is None:
            self._probe = Probe(self._api, self._context, self)
        return Sampler(self._probe, request)
