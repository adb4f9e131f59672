from __future__ import annotations

import io
import re

from scripts.bench.steps import image_part, parse_steps, until_image
from scripts.progress import Progress

OUTPUT = """\
Tools tree (Debian 13, about two minutes) …
✓ Tools tree  73 s
[0:01] Python runtime (llama.cpp for all CPUs) …
[5:31] ✓ Python runtime (llama.cpp for all CPUs)  5:30
[5:31] ✓ Model smollm2-135m-instruct  from the cache
[9:02] ✓ Packages: server (75 named)  3:31
[11:02] ✓ Packages: desktop (41 named)  2:00
[15:03] ✓ ISO image (live-build)  4:01
sigmavault-desktop.iso  1.10 GB
"""


def test_steps_of_a_build():
    assert parse_steps(OUTPUT.splitlines()) == {
        "Tools tree": 73, "Python runtime (llama.cpp for all CPUs)": 330, "Model smollm2-135m-instruct": 0,
        "Packages: server (75 named)": 211, "Packages: desktop (41 named)": 120,
        "ISO image (live-build)": 241,
    }  # fmt: skip


def test_the_image_part_is_packages_and_image():
    assert image_part(parse_steps(OUTPUT.splitlines())) == 211 + 120 + 241


def test_what_follows_the_image_is_not_part_of_it():
    steps = parse_steps(OUTPUT.splitlines())
    assert until_image({**steps, "Packages: disk (3 named)": 20, "Disk image (mkosi)": 90}) == steps


def test_what_progress_writes_is_what_is_read():
    out = io.StringIO()
    progress = Progress(out=out)
    with progress.step("Packages: server (75 named)"):
        pass
    progress.cached("ISO image")
    assert parse_steps(out.getvalue().splitlines()) == {"Packages: server (75 named)": 0, "ISO image": 0}


def test_a_failed_step_is_no_step():
    out = io.StringIO()
    try:
        with Progress(out=out).step("ISO image (live-build)"):
            raise RuntimeError
    except RuntimeError:
        pass
    assert re.search("✗ ISO image", out.getvalue())
    assert parse_steps(out.getvalue().splitlines()) == {}
