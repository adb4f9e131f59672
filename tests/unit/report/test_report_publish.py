from __future__ import annotations

import errno
import hashlib
import io
import os
from pathlib import Path

import pytest

from scripts.host.mirror import Mirror
from scripts.paths import Paths
from scripts.process import Runner
from scripts.progress import Progress
from scripts.report.sizes import Sizes
from scripts.session import Session
from scripts.spec.load import load_spec
from scripts.spec.model import Target, Variant
from scripts.spec.select import Image
from scripts.stages.publish import publish

ISO = "sigmavault-desktop.iso"


@pytest.fixture
def image() -> Image:
    return Image(spec=load_spec(Path(__file__).parents[3]), variant=Variant.DESKTOP, target=Target.ISO)


def cached(folder: Path, size: int, content: bytes = b"x") -> Path:
    folder.mkdir()
    (folder / ISO).write_bytes(content * size)
    os.utime(folder / ISO, (1, 1))
    (folder / f"{ISO}.sha256").write_text(f"{hashlib.sha256(content * size).hexdigest()}  {ISO}\n")
    sizes = Sizes(image=ISO, image_bytes=size, tree_bytes=0, features={}, packages={}, folders={})
    (folder / f"{ISO}.sizes.json").write_text(sizes.to_json())
    (folder / f"{ISO}.sizes").write_text("as cached\n")
    return folder


@pytest.fixture
def session(tmp_path) -> Session:
    return Session(
        paths=Paths(source=tmp_path, cache=tmp_path, build=tmp_path / "build"), progress=Progress(), epoch=0,
        runner=Runner(log=io.StringIO(), env={}), mirror=Mirror(main="", security=""),
    )  # fmt: skip


@pytest.fixture
def no_links(monkeypatch) -> None:
    """The output folder on another mount, as it is in the tools tree."""

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EXDEV, "another mount")

    monkeypatch.setattr(Path, "hardlink_to", refuse)


def test_a_new_image_replaces_the_old_and_leaves_the_cache_as_it_is(tmp_path, session, image):
    one, two = cached(tmp_path / "one", 1_000_000), cached(tmp_path / "two", 3_000_000)
    publish(session, image, one)
    built = publish(session, image, two)
    assert (built.folder / built.name).stat().st_size == 3_000_000
    assert "file +2.00 MB" in (built.folder / f"{ISO}.sizes").read_text()
    assert [(folder / f"{ISO}.sizes").read_text() for folder in (one, two)] == ["as cached\n"] * 2


def test_what_is_there_already_is_not_copied_again(tmp_path, session, image, no_links):
    folder = cached(tmp_path / "one", 1_000_000)
    first = (publish(session, image, folder).folder / ISO).stat()
    again = (publish(session, image, folder).folder / ISO).stat()
    assert (again.st_ino, again.st_ctime_ns) == (first.st_ino, first.st_ctime_ns)


def test_a_published_image_that_somebody_changed_is_replaced(tmp_path, session, image, no_links):
    folder = cached(tmp_path / "one", 4)
    published = publish(session, image, folder).folder / ISO
    published.write_bytes(b"yyyy")
    publish(session, image, folder)
    assert published.read_bytes() == b"xxxx"


def test_another_image_of_the_same_size_and_time_is_published(tmp_path, session, image, no_links):
    publish(session, image, cached(tmp_path / "one", 4))
    built = publish(session, image, cached(tmp_path / "two", 4, b"z"))
    assert (built.folder / ISO).read_bytes() == b"zzzz"
    assert hashlib.sha256(b"zzzz").hexdigest() in (built.folder / f"{ISO}.sha256").read_text()
