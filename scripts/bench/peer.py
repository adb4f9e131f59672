"""The peer of a cold build: plain live-build, with the same tree but no prepared package layers."""

from __future__ import annotations

import argparse
import json
import shutil
import time

from scripts.errors import BuildError
from scripts.session import Session
from scripts.spec.load import load_spec
from scripts.spec.model import Target
from scripts.spec.select import Image, default_variant
from scripts.stages.debs import own_packages
from scripts.stages.iso import environment, prepare
from scripts.stages.layers import NO_SIGNING, NO_SIGNING_FILE


def measure_peer(session: Session, _arguments: argparse.Namespace) -> int:
    """Time `lb config && lb build`, debootstrap included, and keep it in build/peer.json.

    Our own packages are built before the clock starts: the image part of `make iso` has them too.
    """
    spec = load_spec(session.paths.source)
    image = Image(spec=spec, variant=default_variant(spec, Target.ISO), target=Target.ISO)
    debs = own_packages(session, spec)
    tree = session.paths.work / "peer"
    with session.progress.step("plain lb build"):
        begun = time.monotonic()
        prepare(session, image, debs, tree)
        unsigned = tree / "config/includes.chroot_before_packages" / NO_SIGNING_FILE
        unsigned.parent.mkdir(parents=True)
        unsigned.write_text(NO_SIGNING, encoding="utf-8")
        session.runner.run(["lb", "build"], cwd=tree, env=environment(session))
        seconds = time.monotonic() - begun
    if len(list(tree.glob("*.iso"))) != 1:
        raise BuildError("plain live-build made no ISO")
    shutil.rmtree(tree)
    answer = json.dumps({"seconds": round(seconds, 1)}) + "\n"
    (session.paths.build / "peer.json").write_text(answer, encoding="utf-8")
    return 0
