"""The model is held back while it writes: it gets slower in proportion, not by ten times."""

import json
from pathlib import Path

import pytest

from tests.vm.machine.times import record
from tests.vm.stage import ARTEFACTS

pytestmark = pytest.mark.vm

SCRIPT = (Path(__file__).parent / "inside" / "quota.py").read_bytes()
BEFORE_S, AFTER_S = 20.0, 30.0
SETTLED_S = 5.0
"""The model process looks at its quota each second; the first seconds belong to neither side."""


def rate(times: list[float], start: float) -> float:
    """Words per second from then on."""
    counted = [each for each in times if each >= start]
    assert len(counted) >= 3, "the model hardly wrote"
    return (len(counted) - 1) / (counted[-1] - counted[0])


@pytest.mark.only(target="disk")
def test_a_cut_quota_costs_no_more_than_its_share(scene, vm):
    share = vm.show("sigmavault_ai.slice", "CPUQuotaPerSecUSec")["CPUQuotaPerSecUSec"]
    try:
        said = json.loads(
            vm.succeed(
                "python3",
                "-I",
                "-",
                str(BEFORE_S),
                str(AFTER_S),
                "200%",
                "60%",
                stdin=SCRIPT,
                timeout_s=BEFORE_S + AFTER_S + 60,
            )
        )
    finally:
        percent = round(float(share.removesuffix("s")) * 100)
        vm.succeed("systemctl", "set-property", "--runtime", "sigmavault_ai.slice", f"CPUQuota={percent}%")
    before, after = rate(said["before"], said["before"][0]), rate(said["after"], said["cut"] + SETTLED_S)
    record(ARTEFACTS, str(scene.target), {"quota_2_tokens_s": before, "quota_0.6_tokens_s": after})
    # In proportion is 0.3; the bar allows 1.3 times less. What must never be is a fall by ten times.
    assert after / before > 0.1, f"{before:.1f} tokens per second fell to {after:.1f}"
