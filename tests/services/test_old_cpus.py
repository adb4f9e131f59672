"""The native library on CPUs that are older, or newer, than the one that builds and tests.

qemu's user emulation runs the same Python and the same libraries as if on the named CPU: an instruction
that this CPU lacks kills the process. It knows instruction sets up to AVX2; modules beyond (AVX-512, AMX)
are proven by nothing here but their refusal to load.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.services import models, native

JOB = {"texts": ["The pool is"], "tokens": 4}
KINDS = ("llama-q4_0", "llama-tq2_0", "llama-q1_0", "mamba", "rwkv7")

CPUS = {
    "Conroe": "x64",
    "Nehalem": "sse42",
    "SandyBridge": "sandybridge",
    "Opteron_G5": "piledriver",
    "Haswell": "haswell",
    "EPYC-Genoa": "haswell",  # as the emulator can be it: without AVX-512
}
"""Which module of ggml each CPU gets."""

ILLEGAL_INSTRUCTION = -4


def emulated(cpu: str, argv: list[str]) -> list[str]:
    return ["qemu-x86_64", "-cpu", cpu, *argv]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("tiny")
    return [models.make(kind, folder) for kind in KINDS]


@pytest.fixture(scope="module")
def here(files: list[Path], runtime: Path) -> native.Ran:
    """What this machine's own CPU answers."""
    return native.run(native.command("generate", runtime, files), JOB)


@pytest.mark.parametrize("cpu", CPUS)
def test_every_cpu_gets_its_module_and_the_same_answer(
    files: list[Path], here: native.Ran, runtime: Path, cpu: str
) -> None:
    ran = native.run(emulated(cpu, native.command("generate", runtime, files)), JOB)
    assert ran.backends == [CPUS[cpu]]
    for kind in KINDS:
        found, expected = ran.results[kind][0], here.results[kind][0]
        assert found["written"] == expected["written"]
        apart = np.abs(np.array(found["logits"]) - np.array(expected["logits"])).max()
        assert apart < 2 * models.KINDS[kind].tolerance


def test_the_emulator_would_notice_a_wrong_instruction(runtime: Path) -> None:
    """A function that was compiled for Haswell dies on Nehalem."""
    call = (
        "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]); numbers = (ctypes.c_float * 64)();"
        "library.ggml_cpu_fp32_to_fp16(numbers, (ctypes.c_uint16 * 64)(), ctypes.c_int64(64)); print('lived')"
    )
    module = os.fspath(runtime / "ggml/libggml-cpu-haswell.so")
    base = os.fspath(runtime / "python/llama_cpp/lib")
    for cpu, lives in (("Haswell", True), ("Nehalem", False)):
        done = subprocess.run(
            emulated(cpu, [sys.executable, "-c", call, module]), capture_output=True, text=True,
            check=False, timeout=60, env={**os.environ, "LD_LIBRARY_PATH": base},
        )  # fmt: skip
        assert done.stdout == ("lived\n" if lives else ""), done.stderr
        assert done.returncode == (0 if lives else ILLEGAL_INSTRUCTION), done.stderr


WIDE = {
    "x64": "",
    "sse42": "",
    "sandybridge": "ymm",
    "piledriver": "ymm",
    "haswell": "ymm",
    "zen4": "ymm zmm",
}


def wide_registers(library: Path) -> tuple[set[str], int]:
    """The registers beyond SSE that a library's code names, and how many instructions are AVX's."""
    code = subprocess.run(
        ["objdump", "--disassemble", "--no-show-raw-insn", library],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    assert code.count("\n") > 1000, f"{library.name} was not disassembled"
    return set(re.findall(r"%([yz]mm)", code)), len(re.findall(r":\tv[a-z]", code))


def test_what_all_cpus_run_holds_no_avx(runtime: Path) -> None:
    libraries = [
        file
        for folder in ("python/llama_cpp/lib", "python/lib")
        for file in sorted((runtime / folder).glob("lib*.so"))
        if not file.is_symlink()
    ]
    assert {file.name for file in libraries} >= {"libllama.so", "libggml-base.so", "libggml.so"}
    for file in libraries:
        assert wide_registers(file) == (set(), 0), file


@pytest.mark.parametrize("module", WIDE)
def test_modules_hold_what_their_cpus_have(runtime: Path, module: str) -> None:
    registers, instructions = wide_registers(runtime / f"ggml/libggml-cpu-{module}.so")
    assert registers == set(WIDE[module].split())
    assert bool(instructions) == bool(registers)
