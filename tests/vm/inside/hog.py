"""Runs in the guest: takes memory that cannot be compressed until a process is gone; then gives it back.

python3 - PID
"""

import os
import sys
from pathlib import Path

process = Path("/proc") / sys.argv[1]
page = os.urandom(1 << 20)
held = []
while process.exists():
    held.append(bytearray(page))
sys.stdout.write(f"{len(held)} MiB\n")
