"""A checkout of its own for tests that change what a build reads."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.host.mirror import Mirror
from scripts.paths import Paths
from scripts.process import Runner
from scripts.progress import Progress
from scripts.session import Session
from scripts.spec.load import load_spec
from scripts.spec.model import Spec, Target, Variant
from scripts.spec.select import Image

ROOT = Path(__file__).resolve().parents[3]
PARTS = ("image.yaml", "models-manifest.yaml", "mkosi.conf", "mkosi.postinst", "mkosi.repart",
         "live-build", "overlay", "roles", "services", "scripts")  # fmt: skip


@dataclass(frozen=True)
class Checkout:
    """A copy of what an image is made of."""

    root: Path

    @property
    def text(self) -> str:
        return (self.root / "image.yaml").read_text()

    def change(self, old: str, new: str) -> int:
        """Replace a text that is in image.yaml once; the line where it begins."""
        text = self.text
        assert text.count(old) == 1, f"{old!r} is in image.yaml {text.count(old)} times"
        (self.root / "image.yaml").write_text(text.replace(old, new))
        return text[: text.index(old)].count("\n") + 1

    def spec(self) -> Spec:
        return load_spec(self.root)

    def image(self, variant: Variant = Variant.DESKTOP, target: Target = Target.ISO) -> Image:
        return Image(spec=self.spec(), variant=variant, target=target)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    copy_parts(tmp_path / "checkout", PARTS)
    return Checkout(tmp_path / "checkout")


def copy_parts(root: Path, names: Iterable[str]) -> None:
    """Copy what the repository has by these names."""
    root.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for name in names:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, root / name)


@pytest.fixture
def session_of(tmp_path: Path) -> Callable[..., Session]:
    """Makes sessions over a checkout, with a cache of their own and a real runner."""
    log = io.StringIO()

    def make(root: Path, epoch: int = 1_700_000_000) -> Session:
        paths = Paths(source=root, cache=tmp_path / "cache", build=root / "build")
        runner = Runner(log=log, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        progress = Progress(out=io.StringIO())
        return Session(
            paths=paths, runner=runner, progress=progress, mirror=Mirror(main="", security=""), epoch=epoch
        )

    return make
