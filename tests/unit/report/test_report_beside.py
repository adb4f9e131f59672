from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from scripts.report.beside import complete, image_file, size_report
from scripts.report.sizes import Sizes
from scripts.spec.load import load_spec
from scripts.spec.model import Target, Variant
from scripts.spec.select import Image

ISO = "sigmavault-desktop.iso"


@pytest.fixture(scope="module")
def image() -> Image:
    spec = load_spec(Path(__file__).parents[3])
    return Image(spec=spec, variant=Variant.DESKTOP, target=Target.ISO)


def built(folder: Path, image: Image, *, package: int = 1_000_000) -> Path:
    """What lies in the cache when an image is done."""
    folder.mkdir()
    (folder / ISO).write_bytes(b"image")
    sizes = Sizes(image=ISO, tree_bytes=package, features={}, packages={"gedit": package}, folders={})
    (folder / f"{ISO}.sizes.json").write_text(sizes.to_json())
    log = folder.with_suffix(".log")
    log.write_text("12:00:00 $ lb build\n")
    complete(folder, image, log)
    return folder


def test_the_main_file_is_the_one_a_person_boots(image):
    assert image_file(image) == ISO


def test_the_checksum_file_is_what_sha256sum_reads(tmp_path, image):
    folder = built(tmp_path / "one", image)
    expected = f"{hashlib.sha256(b'image').hexdigest()}  {ISO}\n"
    assert (folder / f"{ISO}.sha256").read_text() == expected


def test_size_and_log_lie_beside(tmp_path, image):
    folder = built(tmp_path / "one", image)
    assert Sizes.model_validate_json((folder / f"{ISO}.sizes.json").read_text()).image_bytes == 5
    assert "gedit" in (folder / f"{ISO}.sizes").read_text()
    assert (folder / f"{ISO}.log").read_text() == "12:00:00 $ lb build\n"


def test_without_an_older_image_the_report_is_the_cached_one(tmp_path, image):
    folder = built(tmp_path / "one", image)
    (tmp_path / "out").mkdir()
    assert size_report(folder, tmp_path / "out", image) == (folder / f"{ISO}.sizes").read_text()


def test_an_older_image_is_compared_with(tmp_path, image):
    old, new = built(tmp_path / "one", image), built(tmp_path / "two", image, package=3_000_000)
    text = size_report(new, old, image)
    assert "tree +2.00 MB" in text
    assert "     +2.00 MB  gedit" in text


def test_publishing_the_same_image_again_keeps_its_report(tmp_path, image):
    old, same = built(tmp_path / "one", image), built(tmp_path / "two", image)
    (old / f"{ISO}.sizes").write_text("what changed last time\n")
    assert size_report(same, old, image) == "what changed last time\n"


def test_a_damaged_older_report_is_no_obstacle(tmp_path, image):
    old, new = built(tmp_path / "one", image), built(tmp_path / "two", image)
    (old / f"{ISO}.sizes.json").write_text("{")
    assert "Since" not in size_report(new, old, image)
