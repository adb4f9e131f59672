"""What llama.cpp's own reader of GGUF headers says of files. A process of its own: native code may abort.

    gguf_verdicts.py RUNTIME FILE... > verdicts

A line for each file: its name, and whether it was read.
"""

import ctypes
import os
import sys
from pathlib import Path


class Parameters(ctypes.Structure):
    """`gguf_init_params`."""

    _fields_ = (("no_alloc", ctypes.c_bool), ("context", ctypes.c_void_p))


def main() -> None:
    runtime, *files = sys.argv[1:]
    base = ctypes.CDLL(os.fspath(Path(runtime) / "python/llama_cpp/lib/libggml-base.so.0"))
    base.gguf_init_from_file.restype = ctypes.c_void_p
    base.gguf_init_from_file.argtypes = [ctypes.c_char_p, Parameters]
    base.gguf_free.argtypes = [ctypes.c_void_p]
    for file in files:
        found = base.gguf_init_from_file(os.fsencode(file), Parameters(no_alloc=True, context=None))
        if found:
            base.gguf_free(found)
        sys.stdout.write(f"{Path(file).name} {'read' if found else 'refused'}\n")
        sys.stdout.flush()


main()
