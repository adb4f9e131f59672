"""Runs in the guest: lets the model write while its quota is cut, and prints when its words came as JSON.

python3 - SECONDS_BEFORE SECONDS_AFTER QUOTA_BEFORE QUOTA_AFTER     (quotas as systemd spells them, `60%`)
"""

import http.client
import json
import select
import socket
import subprocess
import sys
import time

SLICE = "sigmavault_ai.slice"


class Unix(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/sigmavault/ryzan.sock")


def grant(quota: str) -> None:
    subprocess.run(["systemctl", "set-property", "--runtime", SLICE, f"CPUQuota={quota}"], check=True)


def start() -> socket.socket:
    connection = Unix("localhost")
    body = {
        "model": "smollm2-135m-instruct", "stream": True, "max_tokens": 2000, "temperature": 0.8, "seed": 7,
        # SmolLM2 must not end: these are its end tokens
        "logit_bias": {"0": -100, "2": -100},
        "messages": [{"role": "user", "content": "Count from one to one thousand."}],
    }  # fmt: skip
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    return connection.sock


def arrivals(stream: socket.socket, until: float) -> list[float]:
    """When each chunk came, until then."""
    times: list[float] = []
    while (left := until - time.monotonic()) > 0:
        if select.select([stream], [], [], left)[0]:
            data = stream.recv(1 << 16)
            if not data:
                break
            times += [time.monotonic()] * data.count(b'"content":"')
    return times


def main(before_s: float, after_s: float, before: str, after: str) -> None:
    grant(before)
    stream = start()
    stream.recv(1 << 16)
    first = arrivals(stream, time.monotonic() + before_s)
    grant(after)
    cut = time.monotonic()
    second = arrivals(stream, cut + after_s)
    sys.stdout.write(json.dumps({"before": first, "cut": cut, "after": second}))


main(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4])
