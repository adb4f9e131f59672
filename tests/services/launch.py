"""Plays systemd's part for one service: opens its sockets, becomes its user, starts it.

launch.py USER TCP_PORT UNIX_PATH PROGRAM [ARGUMENT...]
"""

import ctypes
import os
import pwd
import socket
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65
REFUSE_EXEC_GAIN = 1


def confine() -> None:
    """What the unit says and a process can do to itself: NoNewPrivileges, MemoryDenyWriteExecute."""
    libc = ctypes.CDLL(None, use_errno=True)
    for option in (PR_SET_NO_NEW_PRIVS, PR_SET_MDWE):
        if libc.prctl(option, REFUSE_EXEC_GAIN, 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl {option}")


def main() -> None:
    user, port, path, *argv = sys.argv[1:]
    tcp = socket.create_server(("127.0.0.1", int(port)))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(path)
    unix.listen()
    # two moves: the descriptors may be the wanted numbers already, the other way round
    spare = [os.dup2(each.fileno(), 100 + at) for at, each in enumerate((tcp, unix))]
    for at, number in enumerate(spare):
        os.dup2(number, 3 + at)
    os.closerange(5, 200)
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.environ.update({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"})
    os.chdir("/")
    confine()
    os.execv(argv[0], argv)  # noqa: S606  # it is the point


main()
