"""One model in llama.cpp, through llama-cpp-python's ctypes layer.

The only file that knows llama.cpp. Not re-entrant: one thread uses an object of this class. Native
code may abort the process; that is why a model lives in a process of its own.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigmavault.core.chat import Sampling
from sigmavault.core.errors import ModelRefusedError, WorkerLostError

_LOG_ERROR = 4
_MMAP = 1
_NO_ROOM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes of a context; they decide its memory.

    Attributes:
        context: tokens that all sequences together may hold.
        sequences: how many are decoded at once.
        batch: most tokens of one step.
    """

    context: int
    sequences: int
    batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One token of a step.

    Attributes:
        token: which one.
        position: its place in its sequence.
        sequence: number of the sequence.
        output: whether the next token will be sampled from it.
    """

    token: int
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


class Llama:
    """A loaded model with a context for several sequences."""

    def __init__(self, file: Path, *, runtime: Path, limits: Limits, threads: int) -> None:
        """Load the file.

        Raises:
            ModelRefusedError: llama.cpp cannot load it; the message has its last words.
        """
        self._api = _import_bindings(runtime)
        self._said = ""
        self._log = self._api.llama_log_callback(self._listen)  # kept: C holds only a pointer
        self._api.llama_log_set(self._log, None)
        # An explicit folder: ggml's own search includes the current directory.
        backends = ctypes.CDLL(os.fspath(runtime / "python/llama_cpp/lib/libggml.so.0"))
        backends.ggml_backend_load_all_from_path(os.fsencode(runtime / "ggml"))
        self._api.llama_backend_init()
        self._model = self._load(file)
        self._vocab = self._api.llama_model_get_vocab(self._model)
        self.limits = limits
        self._context = self._open(limits, threads)
        self._memory = self._api.llama_get_memory(self._context)
        self._batch = self._api.llama_batch_init(limits.batch, 0, 1)
        self._buffer = ctypes.create_string_buffer(512)

    def _listen(self, level: int, text: bytes, _data: object) -> None:
        if level == _LOG_ERROR:
            self._said = text.decode(errors="replace").strip() or self._said

    def _load(self, file: Path) -> Any:
        params = self._api.llama_model_default_params()
        params.n_gpu_layers = 0
        params.load_mode = _MMAP
        params.check_tensors = True
        model = self._api.llama_model_load_from_file(os.fsencode(file), params)
        if not model:
            raise ModelRefusedError(f"llama.cpp refuses {file.name}: {self._said or 'no reason given'}")
        return model

    def _open(self, limits: Limits, threads: int) -> Any:
        params = self._api.llama_context_default_params()
        params.n_ctx = limits.context
        params.n_batch = params.n_ubatch = limits.batch
        params.n_seq_max = params.n_outputs_max = limits.sequences
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        params.no_perf = True
        context = self._api.llama_init_from_model(self._model, params)
        if not context:
            raise ModelRefusedError(f"no context for the model: {self._said or 'no reason given'}")
        return context

    @property
    def trained_context(self) -> int:
        """Longest context that the model was trained for, in tokens."""
        return int(self._api.llama_model_n_ctx_train(self._model))

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

    def is_control(self, token: int) -> bool:
        """Whether a token steers the model rather than standing for text."""
        return bool(self._api.llama_vocab_is_control(self._vocab, token)) or self.is_end(token)

    def is_end(self, token: int) -> bool:
        """Whether a token ends an answer."""
        return bool(self._api.llama_vocab_is_eog(self._vocab, token))

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

    def piece(self, token: int) -> bytes:
        """The bytes of a token, possibly part of a character; none for a control token."""
        size = self._api.llama_token_to_piece(self._vocab, token, self._buffer, 512, 0, 0)
        if size < 0:
            self._buffer = ctypes.create_string_buffer(max(512, -size))
            size = self._api.llama_token_to_piece(self._vocab, token, self._buffer, -size, 0, 0)
        return self._buffer.raw[:size]

    def decode(self, rows: Sequence[Row]) -> bool:
        """Compute one step; False when the context has no room for it (nothing was changed then).

        Raises:
            WorkerLostError: llama.cpp failed; the state of the context is unknown.
        """
        batch = self._batch
        for at, row in enumerate(rows):
            batch.token[at] = row.token
            batch.pos[at] = row.position
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = row.sequence
            batch.logits[at] = row.output
        batch.n_tokens = len(rows)
        status = self._api.llama_decode(self._context, batch)
        if status not in (0, _NO_ROOM):
            raise WorkerLostError(f"llama_decode failed with {status}: {self._said}")
        return bool(status == 0)

    def forget(self, sequence: int) -> None:
        """Free everything that a sequence holds."""
        self._api.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def set_threads(self, threads: int) -> None:
        """From the next step on, compute with this many threads."""
        self._api.llama_set_n_threads(self._context, threads, threads)

    def open_sampler(self, sampling: Sampling) -> Any:
        """A chain that chooses tokens as asked; give it back with `close_sampler`."""
        api = self._api
        chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
        if sampling.temperature == 0:
            steps = [api.llama_sampler_init_greedy()]
        else:
            steps = [
                *([api.llama_sampler_init_top_k(sampling.top_k)] if sampling.top_k else []),
                *([api.llama_sampler_init_top_p(sampling.top_p, 1)] if sampling.top_p < 1 else []),
                *([api.llama_sampler_init_min_p(sampling.min_p, 1)] if sampling.min_p else []),
                api.llama_sampler_init_temp(sampling.temperature),
                api.llama_sampler_init_dist(sampling.seed),
            ]
        for step in steps:
            api.llama_sampler_chain_add(chain, step)
        return chain

    def sample(self, sampler: Any, row: int) -> int:
        """Choose the token that follows the row of this number in the last step."""
        return int(self._api.llama_sampler_sample(sampler, self._context, row))

    def close_sampler(self, sampler: Any) -> None:
        """Give a sampler's memory back."""
        self._api.llama_sampler_free(sampler)
