"""Runs a program that ends when its parent ends: `python leash.py SIGNAL PARENT MODE PROGRAM ARGUMENT…`.

A separate tiny program rather than a function between fork and exec: it is safe whatever threads the parent has. It replaces itself
by PROGRAM, so nothing of it stays. MODE says what becomes of root, as whom PostgreSQL refuses to run: `plain` nothing; `userns` a private
user namespace in which root appears as an ordinary user, while every file stays root's own; `drop:USER:GROUP` those ids.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_NOBODY = 65534


def _enter_user_namespace(libc: ctypes.CDLL) -> None:
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespace here")
    for name, text in (("setgroups", "deny"), ("gid_map", f"{_NOBODY} {group} 1"), ("uid_map", f"{_NOBODY} {user} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def main() -> None:
    """Bind this process to its parent, then become the program."""
    death_signal, parent, mode, program, *arguments = sys.argv[1:]
    if mode.startswith("drop:"):
        _, user, group = mode.split(":")
        os.setgroups([])
        os.setgid(int(group))
        os.setuid(int(user))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if mode == "userns":
            _enter_user_namespace(libc)
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)  # last: a change of user would clear it
        if os.getppid() != int(parent):
            sys.exit(1)  # the parent ended before it could be heard
    os.execv(program, [program, *arguments])  # noqa: S606 - that is the purpose


if __name__ == "__main__":
    main()
