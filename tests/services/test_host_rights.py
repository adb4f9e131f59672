"""Who may do what: polkit about the caller, tokens, and that every refusal is in the audit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.daemon import DATA, SERVICES, USER, SystemBus, wait_until
from tests.services.host import MANAGER, OBJECT, Caller, CallError, HostDaemon, refused

STRANGERS = ["nobody", "daemon", USER]
"""An unprivileged user, one whom a rule forbids everything, a service of ours."""
DENIALS = {"daemon": ("auth.denied", "Auth.Denied")}


@pytest.fixture
def lamp(root: Caller) -> Iterator[str]:
    root.end(root.do("thing.make", name="lamp"))
    yield "lamp"
    assert root.read("thing.list")["things"] == [{"name": "lamp", "parts": 3}], "it was not touched"


def last(host: HostDaemon, count: int = 1) -> list[tuple[str, str, str, str]]:
    rows = host.audit()[-count:]
    return [(row["event"], row["who"]["user"], row["operation"], row["result"]) for row in rows]


@pytest.mark.parametrize("user", STRANGERS)
def test_strangers_look_and_plan_and_change_nothing(host: HostDaemon, lamp: str, user: str) -> None:
    code, denial = DENIALS.get(user, ("auth.needed", "Auth.Needed"))
    with host.caller(user) as stranger:
        if user == "daemon":  # the administrator's rule holds for reads too
            with refused("Auth.Denied"):
                stranger.read("thing.list")
        else:
            assert stranger.read("thing.list")["things"]
        for name, arguments, typed in (
            ("thing.make", {"name": "vase"}, ""),
            ("thing.smash", {"name": lamp}, lamp),
            ("thing.paint", {"name": lamp}, ""),
        ):
            _, token = stranger.plan(name, **arguments)
            with refused(denial):
                stranger.apply(token, typed)
            assert last(host, 2) == [("plan", user, name, "ok"), ("apply", user, name, code)]
        with refused(denial):
            stranger.read("thing.peek", name=lamp)
        assert last(host) == [("read", user, "thing.peek", code)]


def test_whom_polkit_lets_does_it_without_being_root(host: HostDaemon, root: Caller) -> None:
    with host.caller("games") as allowed:
        assert allowed.end(allowed.do("thing.make", name="vase"))["State"] == "done"
        assert allowed.read("thing.peek", name="vase") == {"parts": 3}
    begin = next(row for row in host.audit() if row["event"] == "begin")
    assert begin["who"]["user"] == "games"
    assert begin["who"]["pid"] > 1
    assert "python3" in begin["who"]["program"]


def test_denied_and_needed_are_two_errors(host: HostDaemon, lamp: str) -> None:
    with host.caller("daemon") as denied, refused("Auth.Denied"):
        denied.do("thing.smash", lamp, name=lamp)
    with host.caller("nobody") as stranger, refused("Auth.Needed"):
        stranger.do("thing.smash", lamp, name=lamp)


def test_a_token_is_good_for_its_caller_alone_and_once(host: HostDaemon, root: Caller, lamp: str) -> None:
    with host.caller() as other:
        foreign = root.plan("thing.smash", name=lamp)[1]
        with refused("Plan.Token"):
            other.apply(foreign, lamp)
        assert last(host)[0][3] == "plan.token"
        with refused("Plan.Token"):  # it is spent now
            root.apply(foreign, lamp)
    used = root.plan("thing.make", name="vase")[1]
    root.end(root.apply(used))
    with refused("Plan.Token"):
        root.apply(used)
    root.end(root.do("thing.smash", "vase", name="vase"))
    for made_up in ("", "0", "x" * 43, "../../etc/passwd"):
        with refused("Plan.Token"):
            root.apply(made_up, lamp)
        assert last(host) == [("apply", "root", "", "plan.token")]


def test_the_tokens_of_a_caller_go_with_it(host: HostDaemon, root: Caller, lamp: str) -> None:
    with host.caller() as gone:
        token = gone.plan("thing.smash", name=lamp)[1]
    wait_until("the bus to forget it", lambda: gone.process.poll() is not None)
    with refused("Plan.Token"):
        root.apply(token, lamp)


def test_a_wrong_confirmation_spends_the_token(root: Caller, lamp: str) -> None:
    token = root.plan("thing.smash", name=lamp)[1]
    with refused("Plan.NotConfirmed"):
        root.apply(token, "lmap")
    with refused("Plan.Token"):
        root.apply(token, lamp)


@pytest.mark.parametrize("user", STRANGERS)
def test_jobs_of_others_are_not_cancelled(host: HostDaemon, root: Caller, user: str) -> None:
    job = root.do("thing.make", name="lamp", parts=20, pause_ms=50)
    with host.caller(user) as stranger, refused(DENIALS.get(user, ("", "Auth.Needed"))[1]):
        stranger.call(job, "org.sigmavault.HostJob1", "Cancel", "b", False)
    assert last(host)[0][:3] == ("cancel", user, "thing.make")
    with host.caller("games") as allowed:  # polkit lets it do the same
        allowed.call(job, "org.sigmavault.HostJob1", "Cancel", "b", False)
    assert root.end(job)["State"] == "cancelled"


@pytest.mark.parametrize("user", STRANGERS)
def test_only_root_tells_of_events_of_pools(host: HostDaemon, user: str) -> None:
    with host.caller(user) as stranger, refused("Auth.Denied"):
        stranger.call(OBJECT, MANAGER, "ReportEvent", "a{ss}", {"pool": "tank", "class": "statechange"})
    assert last(host) == [("event", user, "", "auth.denied")]


def test_there_is_no_way_around_the_registry(host: HostDaemon, root: Caller) -> None:
    for name in ("thing.make", "thing.nothing", "../registry", "", "thing", "operations.registry"):
        with refused("Request.Invalid"):
            root.call(OBJECT, MANAGER, "Read", "ssb", name, "{}", False)
    assert host.audit()[-1]["result"] == "request.invalid"


def test_nobody_else_may_be_the_daemon(host: HostDaemon) -> None:
    said = host.bus.run(
        "dbus-send", f"--bus={host.bus.address}", "--print-reply", "--dest=org.freedesktop.DBus",
        "/", "org.freedesktop.DBus.RequestName", "string:org.sigmavault.Host", "uint32:2",
        user="nobody", check=False,
    )  # fmt: skip
    assert "AccessDenied" in said


CLOSES_THE_QUESTION = """
import asyncio, json, os, sys
from sdbus import DbusInterfaceCommonAsync, DbusUnprivilegedFlag, dbus_method_async
from sdbus.sd_bus_internals import map_exception_to_dbus_error
from sigmavault.core.errors import SigmaVaultError
from sigmavault.system.bus import open_system
class Closed(Exception):
    pass
map_exception_to_dbus_error(Closed, "org.freedesktop.PolicyKit1.Error.Cancelled")
class Agent(DbusInterfaceCommonAsync, interface_name="org.freedesktop.PolicyKit1.AuthenticationAgent"):
    @dbus_method_async("sssa{ss}sa(sa{sv})", "", DbusUnprivilegedFlag, method_name="BeginAuthentication")
    async def begin(self, action, message, icon, details, cookie, identities):
        asked.append(message)
        raise Closed("closed")
    @dbus_method_async("s", "", DbusUnprivilegedFlag, method_name="CancelAuthentication")
    async def cancel(self, cookie):
        pass
async def call(where, member, signature, *data):
    message = bus.new_method_call_message(*where, member)
    message.append_data(signature, *data)
    return (await bus.call_async(message)).parse_to_tuple()
async def main():
    agent = Agent()
    agent.export_to_dbus("/agent", bus)
    started = int(open(f"/proc/{os.getpid()}/stat").read().rpartition(")")[2].split()[19])
    subject = ("unix-process", {"pid": ("u", os.getpid()), "start-time": ("t", started)})
    polkit = "org.freedesktop.PolicyKit1"
    where = (polkit, "/org/freedesktop/PolicyKit1/Authority", f"{polkit}.Authority")
    await call(where, "RegisterAuthenticationAgent", "(sa{sv})ss", subject, "C", "/agent")
    host = ("org.sigmavault.Host", "/org/sigmavault/Host")
    plan, token = await call((*host, "org.sigmavault.Host1.Thing"), "Make", "s", '{"name": "vase"}')
    try:
        await call((*host, "org.sigmavault.Host1"), "Apply", "ssba{sh}", token, "", True, {})
    except SigmaVaultError as error:
        print(json.dumps([type(error).dbus_name(), asked]))
bus, asked = open_system(), []
asyncio.run(main())
"""


def test_a_question_that_is_closed_is_an_error_of_its_own(host: HostDaemon, root: Caller) -> None:
    """The dialog says what would happen, not only which kind of thing."""
    done = subprocess.run(
        [sys.executable, "-c", CLOSES_THE_QUESTION], capture_output=True, text=True, check=False, timeout=60,
        user="nobody", env={"PYTHONPATH": os.fspath(SERVICES), "DBUS_SYSTEM_BUS_ADDRESS": host.bus.address},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["org.sigmavault.Error.Auth.Dismissed", ["Make the thing vase"]]
    assert last(host) == [("apply", "nobody", "thing.make", "auth.dismissed")]


def test_nobody_but_root_fills_the_log_with_questions(host: HostDaemon, root: Caller) -> None:
    with host.caller("nobody") as stranger:
        refusals = 0
        for _ in range(400):
            try:
                stranger.read("thing.list")
            except CallError as error:
                assert error.name == "Service.TooManyCalls"
                refusals += 1
    assert refusals > 20
    rows = [row["result"] for row in host.audit() if row["who"] and row["who"]["user"] == "nobody"]
    assert rows.count("service.too-many-calls") == 1
    assert rows.count("ok") == 400 - refusals
    for _ in range(400):
        root.read("thing.list")


def test_without_polkit_only_root_may(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("no-polkit")
    bus = SystemBus(place)
    bus.polkitd.kill()
    bus.polkitd.wait()
    daemon = HostDaemon(bus, tmp_path_factory.mktemp("root"))
    try:
        daemon.wait_ready()
        with daemon.caller() as allowed, daemon.caller("games") as stranger:
            assert allowed.end(allowed.do("thing.make", name="lamp"))["State"] == "done"
            for attempt in (
                lambda: stranger.read("thing.list"),
                lambda: stranger.read("thing.peek", name="lamp"),
                lambda: stranger.do("thing.make", name="vase"),
            ):
                with refused("Auth.Denied"):
                    attempt()
    finally:
        daemon.stop()
        bus.stop()


@pytest.mark.parametrize(
    "variables", [{}, {"NOTIFY_SOCKET": "/nowhere", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/x"}]
)
def test_a_simulated_machine_is_never_the_real_service(variables: dict[str, str], tmp_path: Path) -> None:
    machine = SERVICES / "sigmavault/simulated/machines/home.yaml"
    done = subprocess.run(
        [sys.executable, DATA / "usr/libexec/sigmavault/hostd", "--simulate", machine],
        check=False, timeout=30, capture_output=True, text=True,
        env={"PYTHONPATH": os.fspath(SERVICES), "PATH": "", **variables},
    )  # fmt: skip
    assert done.returncode == 2
    assert "a simulated machine is never served on the real system bus" in done.stderr
