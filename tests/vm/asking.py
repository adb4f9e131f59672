"""Asking the model inside a machine, through each of its doors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.vm.machine.machine import Machine

CHAT = (Path(__file__).parent / "inside" / "chat.py").read_bytes()
QUESTION = "Say hello."
BUS = ("org.sigmavault.Ryzan", "/org/sigmavault/Ryzan", "org.sigmavault.Ryzan1")


def ask(vm: Machine, way: str, question: str = QUESTION) -> dict[str, Any]:
    """Over TCP as nobody, who may; on the socket as root."""
    who = ("setpriv", "--reuid=nobody", "--clear-groups") if way == "tcp" else ()
    said = json.loads(vm.succeed(*who, "python3", "-I", "-", way, question, stdin=CHAT, timeout_s=40))
    assert said["status"] == 200, said
    body: dict[str, Any] = said["body"]
    return body


def words(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"])


def ask_bus(vm: Machine, question: str = QUESTION) -> str:
    said = vm.succeed(
        "busctl", "--json=short", "--timeout=300", "call", *BUS, "Chat", "sa(ss)", "", "1", "user", question,
        timeout_s=60,
    )  # fmt: skip
    return str(json.loads(said)["data"][0])


def status(vm: Machine) -> dict[str, Any]:
    said = vm.succeed("busctl", "--json=short", "call", *BUS, "GetStatus")
    return {name: value["data"] for name, value in json.loads(said)["data"][0].items()}
