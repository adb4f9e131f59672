"""Entry on the building machine: `python3 -m scripts VERB …`, called by the Makefile.

Checks the machine, makes the tools tree where it is missing, and runs the rest inside it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - the host may be older than the tools tree
    # Before the imports, which an older Python could not read.
    sys.stderr.write(f"error: Python 3.11 or newer is needed, this is {sys.version.split()[0]}\n")
    sys.exit(3)

from scripts.errors import BuildError
from scripts.host.cache import empty
from scripts.host.enter import FIRST_OF_OURS
from scripts.host.launch import cache_folder, launch


def main(argv: list[str], environ: dict[str, str]) -> int:
    """Run a verb; returns only when it is one of the machine's own, or failed."""
    try:
        if argv[:1] == ["clean-cache"]:
            empty(cache_folder(environ))
            return 0
        launch(Path(__file__).resolve().parent.parent, argv, environ)
    except BuildError as error:
        sys.stderr.write(f"error: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was left mounted, the next run goes on from the cache\n")
        return 130


if __name__ == "__main__":
    # What the caller left open is nobody's business in a build (`move_up` says what it would break).
    os.closerange(3, FIRST_OF_OURS)
    sys.exit(main(sys.argv[1:], dict(os.environ)))
