"""Runs in the guest: writes numbered files and says so when they are on stable storage; or looks at them.

python3 - write FOLDER FIRST KIND     one file after another, for ever; prints `KIND NUMBER` after each fsync
python3 - check FOLDER LAST           prints how many of the files 1 … LAST are not as they were written
"""

import hashlib
import itertools
import os
import sys
from pathlib import Path

BYTES = 40_000


def content(number: int) -> bytes:
    return hashlib.shake_256(str(number).encode()).digest(BYTES)


def write(folder: Path, first: int, kind: str) -> None:
    for number in itertools.count(first):
        with (folder / str(number)).open("wb") as file:
            file.write(content(number))
            file.flush()
            os.fsync(file.fileno())
        sys.stdout.write(f"{kind} {number}\n")
        sys.stdout.flush()


def check(folder: Path, last: int) -> None:
    wrong = []
    for number in range(1, last + 1):
        file = folder / str(number)
        if not file.is_file() or file.read_bytes() != content(number):
            wrong.append(number)
    sys.stdout.write(" ".join(map(str, [len(wrong), *wrong[:10]])))


if sys.argv[1] == "write":
    write(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
else:
    check(Path(sys.argv[2]), int(sys.argv[3]))
