"""Who goes first when memory runs out, and what swap there is, out of the files that say so."""

from __future__ import annotations

import configparser
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
OURS = ROOT / "services/data/usr/lib/systemd/system"
THEIRS = ROOT / "overlay/usr/lib/systemd/system"


def settings(path: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {key: value for key, found, value in lines if found}


def score(path: Path) -> int:
    return int(settings(path).get("OOMScoreAdjust", "0"))


def test_the_model_goes_first_and_file_serving_last() -> None:
    model = score(OURS / "sigmavault-ryzan.service")
    serving = [
        score(THEIRS / f"{name}.service.d/sigmavault.conf") for name in ("smbd", "nfs-mountd", "nfsdcld")
    ]
    first = [path for path in OURS.glob("*.service") if score(path) >= model]
    assert {settings(path)["Slice"] for path in first} == {"sigmavault_ai.slice"}
    # what people run in a session has 100 to 200 (systemd's user@.service, GNOME)
    assert model > 200
    assert max(serving) < 0
    assert min(serving) <= min(score(path) for path in OURS.glob("*.service"))


def test_a_model_that_was_taken_does_not_take_the_service_along() -> None:
    """systemd's own default would stop the whole unit (OOMPolicy=stop)."""
    assert settings(OURS / "sigmavault-ryzan.service")["OOMPolicy"] == "continue"


def test_a_model_is_never_swapped_out() -> None:
    assert settings(OURS / "sigmavault_ai.slice")["MemorySwapMax"] == "0"


def test_swap_is_in_memory_unless_somebody_wants_it_otherwise() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "overlay/usr/lib/systemd/zram-generator.conf.d/sigmavault.conf")
    assert dict(config["zram0"])["zram-size"] == "min(ram / 2, 8192)"
    base = yaml.safe_load((ROOT / "image.yaml").read_text())["features"]["base"]
    assert "systemd-zram-generator" in base["packages"]
    assert {"usr/lib/systemd/zram-generator.conf.d", "usr/lib/sysctl.d"} <= set(base["overlay"])
    assert "swap" not in (ROOT / "overlay/etc/fstab").read_text()
