#!/usr/bin/env python3
"""Runs a program as systemd would run the unit, as far as that goes without systemd:

  unshare --mount --ipc as_unit.py UNIT WRITABLE-DIRECTORIES COMMAND...

Root's part: every mount but the directories (separated by ":") becomes read-only, the bounding set
is emptied. Then, as user and group 65534: no new privileges, the unit's system call filter, its
umask and limits, and an environment like a service's. Standard library only.
"""
import ctypes
import os
import re
import resource
import struct
import subprocess
import sys

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 24, 38, 22, 2
AUDIT_ARCH_X86_64 = 0xC000003E
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL_WITH = 0x7FFF0000, 0x00050000
EPERM = 1
NOBODY = 65534
libc = ctypes.CDLL(None, use_errno=True)


def settings(unit):
    found = {}
    with open(unit) as lines:
        for line in lines:
            match = re.match(r"(\w+)=(.*)", line)
            if match:
                found.setdefault(match[1], []).append(match[2].strip())
    return found


def read_only(writable):
    for directory in writable:
        subprocess.run(["mount", "--bind", directory, directory], check=True)
    with open("/proc/self/mountinfo") as lines:
        points = [line.split()[4] for line in lines]
    for point in dict.fromkeys(points):
        if point in writable or point.startswith(("/proc", "/sys", "/dev")):
            continue
        subprocess.run(["mount", "-o", "remount,bind,ro", point], check=False, stderr=subprocess.DEVNULL)


def group(name):
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True,
                          capture_output=True, text=True).stdout
    names = [line.strip() for line in text.splitlines()[1:]]
    calls = set()
    for call in names:
        if call.startswith("@"):
            calls |= group(call)
        elif call and not call.startswith("#"):
            calls.add(call)
    return calls


def allowed_calls(filters):
    calls = set()
    for line in filters:
        denied = line.startswith("~")
        for name in line.lstrip("~").split():
            members = group(name) if name.startswith("@") else {name}
            calls = calls - members if denied else calls | members
    return calls


def numbers():
    """Of x86-64, from the kernel's header; None where it is not installed."""
    try:
        with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h") as header:
            return dict(re.findall(r"#define __NR_(\w+) (\d+)", header.read()))
    except FileNotFoundError:
        return None


def filter_calls(calls):
    known = numbers()
    if known is None:
        print("as_unit: no kernel header, so no system call filter", file=sys.stderr)
        return
    program = [(LOAD, 0, 0, 4), (JUMP_IF_EQUAL, 1, 0, AUDIT_ARCH_X86_64), (RETURN, 0, 0, FAIL_WITH | EPERM),
               (LOAD, 0, 0, 0)]
    for call in sorted(calls & known.keys()):
        program += [(JUMP_IF_EQUAL, 0, 1, int(known[call])), (RETURN, 0, 0, ALLOW)]
    program.append((RETURN, 0, 0, FAIL_WITH | EPERM))
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def main():
    unit, directories, *command = sys.argv[1:]
    wanted = settings(unit)
    calls = allowed_calls(wanted["SystemCallFilter"])
    writable = directories.split(":")
    read_only(writable)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    os.umask(int(wanted["UMask"][-1], 8))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir("/")
    kept = {name: os.environ[name] for name in ("PATH", "NOTIFY_SOCKET", "WATCHDOG_USEC") if name in os.environ}
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    filter_calls(calls)
    environment = {**kept, "HOME": "/var/lib/holdfast", "CACHE_DIRECTORY": writable[-1], "LANG": "C.UTF-8"}
    os.execve(command[0], command, environment)


main()
