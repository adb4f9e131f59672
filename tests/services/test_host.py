"""hostd over the bus: look, plan, apply, jobs."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET

import pytest

from tests.services.daemon import DATA, wait_until
from tests.services.host import MANAGER, OBJECT, Caller, HostDaemon, refused
from tests.services.test_ryzan_bus import shape

INTERFACES = DATA / "usr/share/dbus-1/interfaces"


def test_a_plan_is_made_and_applied_and_the_job_tells_how_it_ended(host: HostDaemon, root: Caller) -> None:
    plan, token = root.plan("thing.make", name="lamp", parts=2)
    assert plan["arguments"] == {"name": "lamp", "parts": 2, "pause_ms": 0, "breaks_at": 0}
    assert [step["text"] for step in plan["steps"]] == ["Make part 0", "Make part 1"]
    job = root.end(root.apply(token))
    assert (job["State"], json.loads(job["Answer"]), job["Progress"]) == ("done", {"parts": 2}, 1.0)
    assert root.read("thing.list") == {"things": [{"name": "lamp", "parts": 2}]}
    told = [(each["event"], each["operation"], each["result"]) for each in host.audit()]
    assert told == [
        ("start", "", "ok"), ("plan", "thing.make", "ok"), ("begin", "thing.make", "ok"),
        ("end", "thing.make", "ok"), ("read", "thing.list", "ok"),
    ]  # fmt: skip


def test_a_failure_has_its_name_its_reason_and_its_hint(host: HostDaemon, root: Caller) -> None:
    job = root.end(root.do("thing.make", name="lamp", parts=3, breaks_at=2))
    assert (job["State"], job["Error"]) == ("failed", "org.sigmavault.Error.Operation.Refused")
    assert (job["Message"], job["Hint"]) == ("part 1 cannot be made", "make fewer")
    with refused("Object.Unknown") as caught:
        root.plan("thing.smash", name="vase")
    assert caught.message == "there is no thing 'vase'\n`thing list` shows them"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "-rf"}, "name"),
        ({"name": "a" * 10_000}, "name"),
        ({"name": "lamp", "parts": "2"}, "parts: must be a whole number (how many parts)"),
        ({"name": "lamp", "sauce": 1}, "sauce: is not a known key"),
        ({}, "name: is missing (name of the thing)"),
    ],
)
def test_wrong_arguments_are_named(root: Caller, arguments: dict[str, object], words: str) -> None:
    with refused("Request.Invalid") as caught:
        root.plan("thing.make", **arguments)
    assert words in caught.message


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"name": NaN}', "[" * 100_000, "x" * 300_000])
def test_what_is_no_json_is_refused(root: Caller, text: str) -> None:
    with refused("Request.Invalid"):
        root.call(OBJECT, f"{MANAGER}.Thing", "Make", "s", text)


def test_introspection_is_the_shipped_files(host: HostDaemon) -> None:
    def introspect(path: str) -> ET.Element:
        address = f"--address={host.bus.address}"
        told = host.bus.run("busctl", address, "introspect", "--xml-interface", "org.sigmavault.Host", path)
        return ET.fromstring(told)  # noqa: S314  # our own

    told = introspect(OBJECT)
    names = {str(each.get("name")) for each in told.iter("interface")}
    shipped = {path.stem: path for path in INTERFACES.glob("org.sigmavault.Host1*.xml")}
    assert {name for name in names if name.startswith(MANAGER)} == {*shipped, f"{MANAGER}.Thing"}
    for name, path in shipped.items():
        assert shape(told, name) == shape(ET.parse(path).getroot(), name)  # noqa: S314
    with host.caller() as caller:
        job = caller.do("thing.make", name="lamp")
        shown = shape(introspect(job), "org.sigmavault.HostJob1")
    file = ET.parse(INTERFACES / "org.sigmavault.HostJob1.xml")  # noqa: S314
    assert shown == shape(file.getroot(), "org.sigmavault.HostJob1")


def test_operations_are_described(root: Caller) -> None:
    described = {each["name"]: each for each in json.loads(root.call(OBJECT, MANAGER, "Describe"))}
    assert described["thing.smash"]["risk"] == "destroy"
    assert described["thing.paint"]["secrets"] == {"colour": "its colour"}
    assert "audit.verify" in described
    simulated = root.call(OBJECT, "org.freedesktop.DBus.Properties", "Get", "ss", MANAGER, "IsSimulated")
    assert simulated == ["b", False]


def test_what_is_being_changed_is_busy_and_tells_why(root: Caller) -> None:
    _, smash = root.plan("thing.make", name="lamp", parts=1)
    job = root.do("thing.make", name="vase", parts=2, pause_ms=400)
    _, second = root.plan("thing.make", name="chair")
    root.end(root.apply(second))  # another object is free
    with refused("Object.Busy") as caught:
        root.apply(root.plan("thing.smash", name="vase")[1], "vase")
    assert "thing vase is busy: Make the thing vase (job 2" in caught.message
    assert ", since 2" in caught.message
    assert root.end(job)["State"] == "done"
    assert root.end(root.do("thing.smash", "vase", name="vase"))["State"] == "done"
    assert smash


def test_a_plan_that_would_do_something_else_by_now_is_refused(root: Caller) -> None:
    root.end(root.do("thing.make", name="lamp", parts=1))
    _, token = root.plan("thing.smash", name="lamp")
    _, other = root.plan("thing.make", name="chair")
    part = root.end(root.do("thing.smash", "lamp", name="lamp"))
    assert part["State"] == "done"
    root.end(root.do("thing.make", name="lamp", parts=2))
    with refused("Plan.Changed") as caught:
        root.apply(token, "lamp")
    assert caught.message.startswith("the machine has changed since: losses, facts\n")
    assert root.end(root.apply(other))["State"] == "done"  # what differs in the notes alone is the same


@pytest.mark.parametrize("typed", ["", "Lamp", "lamp ", "lam"])
def test_a_destroying_operation_needs_the_name(root: Caller, typed: str) -> None:
    root.end(root.do("thing.make", name="lamp"))
    with refused("Plan.NotConfirmed"):
        root.do("thing.smash", typed, name="lamp")
    assert len(root.read("thing.list")["things"]) == 1


def test_a_job_is_cancelled_between_two_steps(host: HostDaemon, root: Caller) -> None:
    job = root.do("thing.make", name="lamp", parts=1000, pause_ms=20)
    wait_until("some parts", lambda: root.job(job)["Progress"] > 0)
    root.call(job, "org.sigmavault.HostJob1", "Cancel", "b", False)
    ended = root.end(job)
    assert (ended["State"], ended["Error"]) == ("cancelled", "org.sigmavault.Error.Job.Cancelled")
    made = root.read("thing.list")["things"][0]["parts"]
    time.sleep(0.1)
    assert root.read("thing.list")["things"][0]["parts"] == made < 1000


def test_a_job_goes_on_when_its_caller_is_gone(host: HostDaemon, root: Caller) -> None:
    with host.caller() as caller:
        job = caller.do("thing.make", name="lamp", parts=10, pause_ms=50)
    assert root.end(job)["State"] == "done"
    listed = root.read("job.list")["jobs"][0]
    assert (listed["state"], listed["operation"], listed["user"]) == ("done", "thing.make", "root")
    shown = root.read("job.show", job=job.rpartition("/")[2])
    assert json.loads(shown["answer"]) == {"parts": 10}
    assert (shown["progress"], len(shown["steps"])) == (100.0, 10)


def test_secrets_come_by_pipe_and_stay_nowhere(host: HostDaemon, root: Caller) -> None:
    root.end(root.do("thing.make", name="lamp"))
    _, token = root.plan("thing.paint", name="lamp")
    with refused("Request.Invalid") as missing:
        root.apply(token)
    assert missing.message == "the secret 'colour' did not come along"
    with refused("Request.Invalid") as other:
        root.apply(root.plan("thing.paint", name="lamp")[1], secrets={"colour": "x", "size": "y"})
    assert other.message == "the secret 'size' is not asked for"
    job = root.end(root.apply(root.plan("thing.paint", name="lamp")[1], secrets={"colour": "tiefrot-ß"}))
    assert json.loads(job["Answer"]) == {"letters": 9}
    for place in host.root.rglob("*"):
        assert not place.is_file() or "tiefrot" not in place.read_text(errors="replace"), place


def test_others_are_answered_while_one_hangs(host: HostDaemon) -> None:
    hanging = [host.caller() for _ in range(3)]
    for each in hanging:
        assert each.process.stdin
        asked = {"path": OBJECT, "interface": f"{MANAGER}.Thing", "member": "Hang", "signature": "s"}
        each.process.stdin.write(json.dumps({**asked, "data": ["{}"]}) + "\n")
        each.process.stdin.flush()
    with host.caller("nobody") as caller:
        began = time.monotonic()
        assert caller.read("thing.list") == {"things": []}
        assert time.monotonic() - began < 5
    for each in hanging:
        each.__exit__()
    began = time.monotonic()
    assert host.stop() == 0  # and nobody waits for what hangs
    assert time.monotonic() - began < 10
    host.start()
    host.wait_ready()
