"""Runs in the guest: asks the model over HTTP, on a TCP port or a Unix socket, and prints its answer as JSON.

python3 - tcp|unix QUESTION
"""

import http.client
import json
import socket
import sys


class Unix(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/sigmavault/ryzan.sock")


def main(way: str, question: str) -> None:
    connection = Unix("localhost") if way == "unix" else http.client.HTTPConnection("127.0.0.1", 8100)
    body = {
        "model": "smollm2-135m-instruct",
        "messages": [{"role": "user", "content": question}],
        "temperature": 0,
        "max_tokens": 8,
    }
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    sys.stdout.write(json.dumps({"status": answer.status, "body": json.loads(answer.read())}))


main(*sys.argv[1:])
