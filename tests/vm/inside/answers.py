"""Runs in the guest: asks the model for endless greedy answers, or for one of a given length.

python3 - once TOKENS      prints the answer of the model as JSON
python3 - busy CALLERS     asks again and again until it is ended; prints tokens per second each five seconds
"""

import http.client
import json
import socket
import sys
import threading
import time

ENDS = {"0": -100, "2": -100}
"""SmolLM2 must not end by itself: these are its end tokens."""


class Unix(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/sigmavault/ryzan.sock")


def ask(tokens: int, *, stream: bool) -> http.client.HTTPResponse:
    connection = Unix("localhost")
    body = {
        "model": "smollm2-135m-instruct", "stream": stream, "max_tokens": tokens, "temperature": 0,
        "logit_bias": ENDS, "sigmavault": {"cache": {"enabled": False}},
        "messages": [{"role": "user", "content": "Count: one, two, three, four, and so on."}],
    }  # fmt: skip
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    return answer


def once(tokens: int) -> None:
    sys.stdout.write(ask(tokens, stream=False).read().decode())


def busy(callers: int) -> None:
    count = [0] * callers

    def run(number: int) -> None:
        while True:
            for line in ask(4000, stream=True):
                count[number] += line.count(b'"content":"')

    for number in range(callers):
        threading.Thread(target=run, args=(number,), daemon=True).start()
    before = 0
    while True:
        time.sleep(5)
        now = sum(count)
        sys.stdout.write(f"{(now - before) / 5:.2f}\n")
        sys.stdout.flush()
        before = now


{"once": once, "busy": busy}[sys.argv[1]](int(sys.argv[2]))
