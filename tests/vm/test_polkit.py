"""Our polkit actions are registered and deny callers who may not."""

import re

import pytest

from tests.vm.stage import ROOT

pytestmark = pytest.mark.vm

POLICIES = ROOT / "services/data/usr/share/polkit-1/actions"
ACTION = re.compile(r'<action id="([^"]+)".*?<allow_any>([a-z_]+)</allow_any>', re.DOTALL)


def declared() -> list[tuple[str, str]]:
    """Each action with what everybody may."""
    texts = [file.read_text() for file in sorted(POLICIES.glob("*.policy"))]
    return [found for text in texts for found in ACTION.findall(text)]


def actions() -> list[str]:
    return [name for name, _ in declared()]


def guarded() -> list[str]:
    return [name for name, allowed in declared() if allowed != "yes"]


def opened() -> list[str]:
    return [name for name, allowed in declared() if allowed == "yes"]


def test_there_are_actions():
    assert len(guarded()) > 20
    assert len(opened()) > 5
    texts = [file.read_text() for file in POLICIES.glob("*.policy")]
    assert sum(text.count("<action ") for text in texts) == len(actions())


def test_all_are_registered(vm):
    known = vm.succeed("pkaction").split()
    assert set(actions()) <= set(known)
    assert {name for name in known if name.startswith("org.sigmavault.")} == set(actions())


EACH = 'for a in "$@"; do pkcheck --action-id "$a" --process $$ >/dev/null 2>&1; echo "$a $?"; done'


def verdicts(vm, user: str) -> dict[str, int]:
    """What pkcheck ends with for a user, by action: 0 is yes, 1 no, 2 only with a password."""
    become = ["setpriv", f"--reuid={user}", "--clear-groups"] if user != "root" else []
    said = vm.succeed(*become, "sh", "-c", EACH, "sh", *actions(), timeout_s=300)
    return {name: int(code) for name, code in (line.split() for line in said.splitlines())}


@pytest.mark.parametrize("user", ["nobody", "sigmavault-ryzan"])
def test_an_unprivileged_caller_may_look_and_nothing_else(vm, user):
    found = verdicts(vm, user)
    assert {name for name, code in found.items() if code == 0} == set(opened())
    assert {code for name, code in found.items() if name in guarded()} <= {1, 2}
    assert set(found) == set(actions())


def test_root_is_allowed(vm):
    """The check above fails for the caller, not for a broken polkit."""
    assert verdicts(vm, "root") == dict.fromkeys(actions(), 0)


def test_the_bus_refuses_an_unprivileged_caller(vm):
    done = vm.execute(
        "setpriv", "--reuid=nobody", "--clear-groups", "busctl", "call", "org.sigmavault.Ryzan",
        "/org/sigmavault/Ryzan", "org.sigmavault.Ryzan1", "LoadModel", "s", "smollm2-135m-instruct",
    )  # fmt: skip
    assert done.code != 0
    assert re.search("not allow|ot authorized|denied|only after a password", done.err), done.describe()
