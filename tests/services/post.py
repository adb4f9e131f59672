"""A client that can be started many times and killed: posts a body, prints the status and the answer.

post.py UNIX_SOCKET PATH < body
"""

import http.client
import socket
import sys


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


connection = UnixConnection(sys.argv[1])
connection.request("POST", sys.argv[2], sys.stdin.buffer.read(), {"Content-Type": "application/json"})
answer = connection.getresponse()
sys.stdout.write(f"{answer.status} {answer.read().decode()}\n")
