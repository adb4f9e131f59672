"""Entry on the building machine: `python3 -m scripts VERB …`, called by the Makefile.

Checks the machine, makes the tools tree where it is missing, and runs the rest inside it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scripts.errors import BuildError
from scripts.host.launch import launch

if __name__ == "__main__":
    try:
        launch(Path(__file__).resolve().parent.parent, sys.argv[1:], dict(os.environ))
    except BuildError as error:
        sys.stderr.write(f"error: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was left mounted, the next run goes on from the cache\n")
        sys.exit(130)
