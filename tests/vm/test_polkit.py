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


@pytest.mark.parametrize("action", guarded())
@pytest.mark.parametrize("user", ["nobody", "sigmavault-ryzan"])
def test_an_unprivileged_caller_is_denied(vm, action, user):
    check = 'exec pkcheck --action-id "$1" --process $$'
    done = vm.execute("setpriv", f"--reuid={user}", "--clear-groups", "sh", "-c", check, "sh", action)
    # 1: not authorized; 2: would need authentication and there is no agent. 0 would be yes.
    assert done.code in {1, 2}, done.describe()
    assert "ot authorized" in done.err or "uthentication" in done.err, done.describe()


@pytest.mark.parametrize("action", opened())
def test_looking_is_for_everybody(vm, action):
    check = 'exec pkcheck --action-id "$1" --process $$'
    vm.succeed("setpriv", "--reuid=nobody", "--clear-groups", "sh", "-c", check, "sh", action)


@pytest.mark.parametrize("action", actions())
def test_root_is_allowed(vm, action):
    """The check above fails for the caller, not for a broken polkit."""
    vm.succeed("sh", "-c", 'exec pkcheck --action-id "$1" --process $$', "sh", action)


def test_the_bus_refuses_an_unprivileged_caller(vm):
    done = vm.execute(
        "setpriv", "--reuid=nobody", "--clear-groups", "busctl", "call", "org.sigmavault.Ryzan",
        "/org/sigmavault/Ryzan", "org.sigmavault.Ryzan1", "LoadModel", "s", "smollm2-135m-instruct",
    )  # fmt: skip
    assert done.code != 0
    assert re.search("not allow|ot authorized|denied", done.err), done.describe()
