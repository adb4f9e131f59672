"""The bare loop over llama.cpp: what the engine gives before anybody serves it to anybody.

A process of its own: `bare.py MODEL RUNTIME THREADS`. Reads one JSON object a line from stdin, does that much
and answers with `{"seconds": …, "cpu": …}`:

    {"do": "first", "prompt": 40}                    read a prompt, choose one token
    {"do": "decode", "sequences": 8, "tokens": 256}  after short prompts, so many tokens for each sequence
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

BATCH, MICRO_BATCH, SEQUENCES, CONTEXT = 2048, 512, 8, 4096
PROMPT = 16
"""Tokens that each sequence begins with before its decoding is timed."""


def bindings(runtime: Path) -> Any:
    """llama-cpp-python's ctypes module, without the package's heavy `__init__`."""
    package = types.ModuleType("llama_cpp")
    package.__path__ = [os.fspath(runtime / "python/llama_cpp")]
    sys.modules["llama_cpp"] = package
    return importlib.import_module("llama_cpp.llama_cpp")


class Loop:
    """A model in llama.cpp with a context for several sequences."""

    def __init__(self, model: Path, runtime: Path, threads: int) -> None:
        self._api = api = bindings(runtime)
        self._quiet = api.llama_log_callback(lambda *_: None)
        api.llama_log_set(self._quiet, None)
        backends = ctypes.CDLL(os.fspath(runtime / "python/llama_cpp/lib/libggml.so.0"))
        backends.ggml_backend_load_all_from_path(os.fsencode(runtime / "ggml"))
        api.llama_backend_init()
        loaded = api.llama_model_load_from_file(os.fsencode(model), api.llama_model_default_params())
        self._words = int(api.llama_vocab_n_tokens(api.llama_model_get_vocab(loaded)))
        params = api.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = CONTEXT, BATCH, MICRO_BATCH
        params.n_seq_max, params.kv_unified, params.no_perf = SEQUENCES, True, True
        params.n_threads = params.n_threads_batch = threads
        self._context = api.llama_init_from_model(loaded, params)
        self._memory = api.llama_get_memory(self._context)
        self._batch = api.llama_batch_init(BATCH, 0, 1)
        self._sampler = api.llama_sampler_init_greedy()

    def first(self, prompt: int) -> None:
        """Read a prompt of so many tokens and choose one."""
        self._forget()
        self._read(0, prompt)
        self._api.llama_sampler_sample(self._sampler, self._context, -1)

    def decode(self, sequences: int, tokens: int) -> float:
        """Choose so many tokens for each of several sequences; the seconds that took."""
        self._forget()
        for number in range(sequences):
            self._read(number, PROMPT)
        begun = time.monotonic()
        chosen = [1] * sequences
        for position in range(PROMPT, PROMPT + tokens):
            for number in range(sequences):
                self._put(number, chosen[number], position, number, output=True)
            self._step(sequences)
            for number in range(sequences):
                chosen[number] = self._api.llama_sampler_sample(self._sampler, self._context, number)
        return time.monotonic() - begun

    def _forget(self) -> None:
        self._api.llama_memory_clear(self._memory, False)

    def _read(self, sequence: int, prompt: int) -> None:
        for at in range(prompt):
            token = (97 * at + 31 * sequence) % (self._words - 1000) + 500
            self._put(at, token, at, sequence, output=at == prompt - 1)
        self._step(prompt)

    def _put(self, at: int, token: int, position: int, sequence: int, *, output: bool) -> None:
        batch = self._batch
        batch.token[at], batch.pos[at], batch.logits[at] = token, position, output
        batch.n_seq_id[at], batch.seq_id[at][0] = 1, sequence

    def _step(self, rows: int) -> None:
        self._batch.n_tokens = rows
        if status := self._api.llama_decode(self._context, self._batch):
            raise RuntimeError(f"llama_decode: {status}")


def main() -> None:
    """Do what is asked until stdin ends."""
    model, runtime, threads = sys.argv[1:]
    loop = Loop(Path(model), Path(runtime), int(threads))
    for line in sys.stdin:
        wanted = json.loads(line)
        begun, cpu = time.monotonic(), time.process_time()
        if wanted["do"] == "first":
            loop.first(wanted["prompt"])
            seconds = time.monotonic() - begun
        else:
            seconds = loop.decode(wanted["sequences"], wanted["tokens"])
        answer = {"seconds": seconds, "cpu": time.process_time() - cpu}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
