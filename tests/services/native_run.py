"""Drives llama.cpp itself on one model, through llama-cpp-python's ctypes layer and nothing of ours. A
process of its own, because native code may abort; standard library only, so that it starts quickly under
an emulator.

    native_run.py generate|embed RUNTIME MODEL... < job.json > results.json

Job of `generate`: {"texts": [...], "tokens": how many to write}. All texts are decoded in the same batches,
each a sequence of its own. Result per model and text: the tokens of the prompt, the tokens written, and the
logits at each.
Job of `embed`: {"texts": [...]}. Result per model and text: its tokens and its vector.
Models are loaded one after the other; `backends` names the modules of ggml that are in the process then.
"""

import ctypes
import importlib
import json
import os
import re
import sys
import types
from pathlib import Path
from typing import Any

CONTEXT, BATCH, PART = 512, 64, 8
MMAP = 1


def bindings(runtime: Path) -> Any:
    """The ctypes module without the package around it, which imports numpy and more."""
    folder = runtime / "python"
    sys.path.append(os.fspath(folder))
    package = types.ModuleType("llama_cpp")
    package.__path__ = [os.fspath(folder / "llama_cpp")]
    sys.modules["llama_cpp"] = package
    api: Any = importlib.import_module("llama_cpp.llama_cpp")
    backends = ctypes.CDLL(os.fspath(folder / "llama_cpp/lib/libggml.so.0"))
    backends.ggml_backend_load_all_from_path(os.fsencode(runtime / "ggml"))
    api.llama_backend_init()
    return api


class Native:
    def __init__(self, api: Any, model: Path, *, embeddings: bool) -> None:
        self.api = api
        params = api.llama_model_default_params()
        params.n_gpu_layers, params.load_mode, params.check_tensors = 0, MMAP, True
        self.model = api.llama_model_load_from_file(os.fsencode(model), params)
        if not self.model:
            sys.exit(f"llama.cpp does not load {model.name}")
        self.vocabulary = api.llama_model_get_vocab(self.model)
        params = api.llama_context_default_params()
        params.n_ctx, params.n_batch = CONTEXT, BATCH
        params.n_ubatch = BATCH if embeddings else PART  # prompts are read in several parts
        params.n_seq_max = 4
        params.n_threads = params.n_threads_batch = 2
        params.embeddings = embeddings
        self.context = api.llama_init_from_model(self.model, params)
        if not self.context:
            sys.exit(f"llama.cpp makes no context for {model.name}")
        self.batch = api.llama_batch_init(BATCH, 0, 1)

    def tokenize(self, text: str) -> list[int]:
        data = text.encode()
        tokens = (ctypes.c_int32 * (len(data) + 8))()
        count = self.api.llama_tokenize(self.vocabulary, data, len(data), tokens, len(tokens), True, True)
        return tokens[:count]

    def decode(self, rows: list[tuple[int, int, int, bool]]) -> None:
        """One step; rows of token, position, sequence, whether its logits are wanted."""
        for at, (token, position, sequence, wanted) in enumerate(rows):
            self.batch.token[at], self.batch.pos[at] = token, position
            self.batch.n_seq_id[at], self.batch.seq_id[at][0] = 1, sequence
            self.batch.logits[at] = wanted
        self.batch.n_tokens = len(rows)
        if status := self.api.llama_decode(self.context, self.batch):
            sys.exit(f"llama_decode failed with {status}")

    def close(self) -> None:
        self.api.llama_batch_free(self.batch)
        self.api.llama_free(self.context)
        self.api.llama_model_free(self.model)

    def logits(self, row: int) -> list[float]:
        found = self.api.llama_get_logits_ith(self.context, row)
        return list(found[: self.api.llama_vocab_n_tokens(self.vocabulary)])


def generate(native: Native, job: dict[str, Any]) -> list[dict[str, Any]]:
    prompts = [native.tokenize(each) for each in job["texts"]]
    results: list[dict[str, Any]] = [{"prompt": each, "written": [], "logits": []} for each in prompts]
    rows = [
        (token, at, number, at == len(prompt) - 1)
        for number, prompt in enumerate(prompts)
        for at, token in enumerate(prompt)
    ]
    for _ in range(job["tokens"]):
        native.decode(rows)
        outputs = [at for at, row in enumerate(rows) if row[3]]
        rows = []
        for number, (result, output) in enumerate(zip(results, outputs, strict=True)):
            logits = native.logits(output)
            best = max(range(len(logits)), key=logits.__getitem__)
            position = len(result["prompt"]) + len(result["written"])
            result["written"].append(best)
            result["logits"].append(logits)
            rows.append((best, position, number, True))
    return results


def embed(native: Native, job: dict[str, Any]) -> list[dict[str, Any]]:
    results = []
    for text in job["texts"]:
        tokens = native.tokenize(text)
        native.decode([(token, at, 0, True) for at, token in enumerate(tokens)])
        vector = native.api.llama_get_embeddings_seq(native.context, 0)
        size = native.api.llama_model_n_embd(native.model)
        results.append({"tokens": tokens, "vector": list(vector[:size])})
    return results


def loaded_backends() -> list[str]:
    """The CPU modules of ggml that are in this process."""
    return sorted(set(re.findall(r"libggml-cpu-(\w+)\.so", Path("/proc/self/maps").read_text())))


def main() -> None:
    mode, runtime, *models = sys.argv[1:]
    api = bindings(Path(runtime))
    job = json.load(sys.stdin)
    results = {}
    for model in map(Path, models):
        native = Native(api, model, embeddings=mode == "embed")
        results[model.stem] = (embed if mode == "embed" else generate)(native, job)
        native.close()
    json.dump({"results": results, "backends": loaded_backends()}, sys.stdout)


if __name__ == "__main__":
    main()
