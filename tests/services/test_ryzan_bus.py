"""`org.sigmavault.Ryzan` on a private system bus with the shipped policy and the real polkitd."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from tests.services.daemon import DATA, SERVICES, Ryzan, wait_until

NAME = ("org.sigmavault.Ryzan", "/org/sigmavault/Ryzan", "org.sigmavault.Ryzan1")
MODEL = "smollm2-135m-instruct"
PATIENCE_S = 300
"""For an answer of the model that nothing bounds, on a machine with other work."""
POLICY = DATA / "usr/share/polkit-1/actions/org.sigmavault.ryzan.policy"


def busctl(ryzan: Ryzan, *argv: str, user: str | None = None, check: bool = True) -> str:
    address = f"--address={ryzan.bus.address}"
    words = ("busctl", address, f"--timeout={PATIENCE_S}", *argv)
    return ryzan.bus.run(*words, user=user, check=check, timeout_s=PATIENCE_S)


def call(ryzan: Ryzan, *argv: str, user: str | None = None, check: bool = True) -> str:
    return busctl(ryzan, "call", *NAME, *argv, user=user, check=check)


def test_status(ryzan: Ryzan) -> None:
    status = call(ryzan, "GetStatus", user="nobody")
    for expected in (f'"model" s "{MODEL}"', '"state" s "ready"', '"reason" s ""', '"context_tokens" u 8192'):
        assert expected in status, status
    megabytes = int(status.split('"memory_bytes" t ')[1].split()[0]) / 1e6
    assert 100 < megabytes < 800
    assert int(status.split('"threads" u ')[1].split()[0]) >= 1


def test_chat_with_busctl_as_anybody(ryzan: Ryzan) -> None:
    answer = call(ryzan, "Chat", "sa(ss)", "", "1", "user", "Say hello.", user="nobody")
    kind, text = answer.split(maxsplit=1)
    assert kind == "s"
    assert len(text.strip('"\n')) > 2


def test_speed_is_told_after_an_answer(ryzan: Ryzan) -> None:
    call(ryzan, "Chat", "sa(ss)", MODEL, "1", "user", "Say hello.")
    assert float(call(ryzan, "GetStatus").split('"tokens_per_second" d ')[1].split()[0]) > 0


CLIENT = """
import asyncio, json, sys
from sdbus import DbusInterfaceCommonAsync, dbus_method_async, sd_bus_open_system, set_default_bus
class Ryzan(DbusInterfaceCommonAsync, interface_name="org.sigmavault.Ryzan1"):
    @dbus_method_async("sa(ss)", "s", method_name="Chat")
    async def chat(self, model, messages): raise NotImplementedError
    @dbus_method_async("", "a{sv}", method_name="GetStatus")
    async def get_status(self): raise NotImplementedError
async def main():
    ryzan = Ryzan.new_proxy("org.sigmavault.Ryzan", "/org/sigmavault/Ryzan")
    text = await ryzan.chat("", [("system", "Be brief."), ("user", "Say hello.")])
    status = {key: value for key, (_, value) in (await ryzan.get_status()).items()}
    print(json.dumps([text, status]))
set_default_bus(sd_bus_open_system())
asyncio.run(main())
"""


def test_chat_with_sdbus(ryzan: Ryzan) -> None:
    text, status = json.loads(ryzan.bus.run(sys.executable, "-c", CLIENT, user="nobody"))
    assert text
    assert status["state"] == "ready"


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (("gpt-4", "1", "user", "x"), "Model.Unknown"),
        (("", "0"), "Request.Invalid"),
        (("", "1", "king", "x"), "Request.Invalid"),
        (("", "1", "user", "word " * 9000), "Request.ContextTooLong"),
    ],
)
def test_failures_have_names(ryzan: Ryzan, argv: tuple[str, ...], name: str) -> None:
    assert error_name(ryzan, argv) == f"org.sigmavault.Error.{name}"


ERROR_CLIENT = """
import asyncio, sys
from sigmavault.core.errors import SigmaVaultError
from sigmavault.system.bus import open_system
async def main():
    bus = open_system()
    message = bus.new_method_call_message(*sys.argv[1:4], "Chat")
    count = int(sys.argv[5])
    pairs = [tuple(sys.argv[6 + 2 * at: 8 + 2 * at]) for at in range(count)]
    message.append_data("sa(ss)", sys.argv[4], pairs)
    try:
        await bus.call_async(message)
    except SigmaVaultError as error:
        print(type(error).dbus_name())
asyncio.run(main())
"""


def error_name(ryzan: Ryzan, argv: tuple[str, ...]) -> str:
    """The D-Bus error of a Chat call, as our own client side turns it back into the exception."""
    done = subprocess.run(
        [sys.executable, "-c", ERROR_CLIENT, *NAME, *argv],
        capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "PYTHONPATH": os.fspath(SERVICES), "DBUS_SYSTEM_BUS_ADDRESS": ryzan.bus.address},
    )  # fmt: skip
    return done.stdout.strip()


def shape(root: ET.Element, name: str = NAME[2]) -> dict[str, Any]:
    (interface,) = (each for each in root.iter("interface") if each.get("name") == name)
    return {
        str(member.get("name")): [
            (arg.get("name"), arg.get("type"), arg.get("direction")) for arg in member.iter("arg")
        ]
        for member in interface
        if member.tag in ("method", "signal", "property")
    }


def test_introspection_is_the_shipped_file(ryzan: Ryzan) -> None:
    told = ET.fromstring(busctl(ryzan, "introspect", "--xml-interface", *NAME[:2]))  # noqa: S314  # our own
    shipped = ET.parse(DATA / "usr/share/dbus-1/interfaces/org.sigmavault.Ryzan1.xml").getroot()  # noqa: S314
    assert shape(told) == shape(shipped)
    assert set(shape(shipped)) == {
        "Chat", "ChatStream", "GetStatus", "ListModels", "LoadModel", "UnloadModel", "ClearAnswers",
    }  # fmt: skip


STREAM_CLIENT = """
import asyncio, json, os, sys
from sdbus import DbusInterfaceCommonAsync, dbus_method_async, dbus_property_async
from sdbus import sd_bus_open_system, set_default_bus
class Job(DbusInterfaceCommonAsync, interface_name="org.sigmavault.Ryzan1.Job"):
    @dbus_method_async("", "", method_name="Cancel")
    async def cancel(self): raise NotImplementedError
    @dbus_property_async("s", property_name="State")
    def state(self): raise NotImplementedError
    @dbus_property_async("s", property_name="FinishReason")
    def finish_reason(self): raise NotImplementedError
    @dbus_property_async("u", property_name="CompletionTokens")
    def completion_tokens(self): raise NotImplementedError
async def end(job):
    while (state := await job.state) == "running":
        await asyncio.sleep(0.02)
    return state, await job.finish_reason, await job.completion_tokens
async def main(how):
    options = {"temperature": ("d", 0.0), "max_tokens": ("u", 12 if how == "read" else 2000)}
    prompt = "Name three colours." if how == "read" else "Tell a very long story about the sea."
    message = bus.new_method_call_message("org.sigmavault.Ryzan", "/org/sigmavault/Ryzan",
        "org.sigmavault.Ryzan1", "ChatStream")
    message.append_data("sa(ss)a{sv}", "", [("user", prompt)], options)
    reply = await bus.call_async(message)
    path, fd = reply.get_contents()
    fd = os.dup(fd)  # the message closes its own
    del reply
    job = Job.new_proxy("org.sigmavault.Ryzan", path)
    text = ""
    if how == "close":
        os.close(fd)
    else:
        if how == "cancel":
            await asyncio.to_thread(os.read, fd, 1)
            await job.cancel()
        with open(fd, "rb") as pipe:
            text = (await asyncio.to_thread(pipe.read)).decode()
    print(json.dumps([path, text, *await end(job)]))
bus = sd_bus_open_system()
set_default_bus(bus)
asyncio.run(main(sys.argv[1]))
"""


def stream(ryzan: Ryzan, how: str) -> tuple[str, str, str, str, int]:
    told: tuple[str, str, str, str, int] = tuple(
        json.loads(ryzan.bus.run(sys.executable, "-c", STREAM_CLIENT, how, user="nobody"))
    )
    return told


def test_tokens_come_through_a_pipe(ryzan: Ryzan) -> None:
    path, text, state, finish, tokens = stream(ryzan, "read")
    assert path.startswith("/org/sigmavault/Ryzan/jobs/")
    # New to both: a kept prompt is computed in other batches, which may flip a near-tie.
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Name three colours."}]}
    whole = ryzan.client().post("/v1/chat/completions", json={**asked, "temperature": 0, "max_tokens": 12})
    assert text == whole.json()["choices"][0]["message"]["content"]
    assert (state, finish) == ("done", whole.json()["choices"][0]["finish_reason"])
    assert tokens == whole.json()["usage"]["completion_tokens"]


@pytest.mark.parametrize("how", ["close", "cancel"])
def test_a_streamed_answer_ends_when_nobody_wants_it(ryzan: Ryzan, how: str) -> None:
    *_, state, finish, tokens = stream(ryzan, how)
    assert (state, finish, tokens) == ("cancelled", "", 0)
    wait_until("the sequence to be free", lambda: active(ryzan) == 0, timeout_s=5)


def test_a_job_is_cancelled_by_its_owner_only(ryzan: Ryzan) -> None:
    path, *_ = stream(ryzan, "read")
    job = ("call", NAME[0], path, f"{NAME[2]}.Job", "Cancel")
    assert "belongs to somebody else" in busctl(ryzan, *job, user="daemon", check=False)
    assert busctl(ryzan, *job, user="nobody").strip() == ""  # over already: harmless
    told = ET.fromstring(busctl(ryzan, "introspect", "--xml-interface", NAME[0], path))  # noqa: S314  # our own
    shipped = ET.parse(DATA / "usr/share/dbus-1/interfaces/org.sigmavault.Ryzan1.Job.xml").getroot()  # noqa: S314
    assert shape(told, f"{NAME[2]}.Job") == shape(shipped, f"{NAME[2]}.Job")


def test_models_are_listed(ryzan: Ryzan) -> None:
    listed = call(ryzan, "ListModels", user="nobody")
    assert f'"id" s "{MODEL}"' in listed
    assert '"state" s "ready"' in listed


def test_an_unloaded_model_comes_back_when_asked(ryzan: Ryzan) -> None:
    denied = call(ryzan, "UnloadModel", "s", MODEL, user="nobody", check=False)
    assert "polkit allows org.sigmavault.ryzan.manage-models only after a password" in denied
    call(ryzan, "UnloadModel", "s", MODEL)
    assert '"state" s "unloaded"' in call(ryzan, "GetStatus")
    assert call(ryzan, "Chat", "sa(ss)", "", "1", "user", "Say hello.").startswith("s ")


def test_erasing_answers_is_for_administrators(ryzan: Ryzan) -> None:
    denied = call(ryzan, "ClearAnswers", user="nobody", check=False)
    assert "polkit allows org.sigmavault.ryzan.clear-answers only after a password" in denied
    assert call(ryzan, "ClearAnswers").strip() == "t 0"  # this service has no folder for answers


def test_loading_models_is_for_administrators(ryzan: Ryzan) -> None:
    denied = call(ryzan, "LoadModel", "s", MODEL, user="nobody", check=False)
    assert "polkit allows org.sigmavault.ryzan.manage-models only after a password" in denied
    assert call(ryzan, "LoadModel", "s", MODEL).strip() == ""  # root


def test_every_action_in_the_code_is_in_the_policy() -> None:
    sys.path.insert(0, os.fspath(SERVICES))
    from sigmavault.contract.ryzan1 import Action

    declared = {each.get("id") for each in ET.parse(POLICY).getroot().iter("action")}  # noqa: S314
    assert declared == {each.value for each in Action}


def test_nobody_else_may_take_the_name(ryzan: Ryzan) -> None:
    ryzan_pid = busctl(ryzan, "status", NAME[0]).split("PID=")[1].split()[0]
    assert int(ryzan_pid) == ryzan.process.pid
    said = ryzan.bus.run(
        "dbus-send", f"--bus={ryzan.bus.address}", "--print-reply", "--dest=org.freedesktop.DBus",
        "/", "org.freedesktop.DBus.RequestName", f"string:{NAME[0]}", "uint32:2",
        user="nobody", check=False,
    )  # fmt: skip
    assert "AccessDenied" in said


def test_caller_that_leaves_the_bus_frees_its_sequence(ryzan: Ryzan) -> None:
    argv = ["busctl", f"--address={ryzan.bus.address}", "call", *NAME, "Chat", "sa(ss)", "", "1", "user",
            "Tell a long story about a ship, its captain and a storm."]  # fmt: skip
    for _ in range(5):  # a short answer may be complete before we get to end it
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as caller:
            wait_until("the request or its end", lambda: active(ryzan) == 1 or caller.poll() is not None)
            was_running = caller.poll() is None
            caller.kill()
        wait_until("the sequence to be free", lambda: active(ryzan) == 0, timeout_s=5)
        if was_running:
            return
    pytest.fail("every answer was complete at once")


def active(ryzan: Ryzan) -> int:
    return int(call(ryzan, "GetStatus").split('"active_requests" u ')[1].split()[0])
