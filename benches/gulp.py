#!/usr/bin/env python3
"""A receiver that only gulps: follows a slot in large reads and looks at nothing but a marker.

usage: gulp.py HOST PORT USER DATABASE SLOT MARKER OPTIONS

Reads until the bytes MARKER have arrived, then prints seconds, bytes, reads and its own CPU seconds.
What it measures is the least time in which a walsender gives its changes away.
"""
import os
import socket
import struct
import sys
import time

BACKLOG = 64 << 10
PAUSE = 0.03


def packet(tag, body):
    return tag + struct.pack("!I", len(body) + 4) + body


def message(stream):
    head = stream.recv(5, socket.MSG_WAITALL)
    tag, length = struct.unpack("!cI", head)
    body = stream.recv(length - 4, socket.MSG_WAITALL) if length > 4 else b""
    if tag == b"E":
        sys.exit(f"the server refused: {body!r}")
    return tag


def main():
    host, port, user, database, slot, marker, options = sys.argv[1:8]
    began, cpu = time.monotonic(), os.times()
    stream = socket.create_connection((host, int(port)))
    settings = {
        "user": user,
        "database": database,
        "replication": "database",
        # a walsender that waits for no answer looks for one before each row
        "options": "-c wal_sender_timeout=1h",
    }
    pairs = b"".join(f"{name}\0{value}\0".encode() for name, value in settings.items())
    stream.sendall(packet(b"", struct.pack("!I", 3 << 16) + pairs + b"\0"))
    while message(stream) != b"Z":
        pass
    command = f"START_REPLICATION SLOT {slot} LOGICAL 0/0 ({options})"
    stream.sendall(packet(b"Q", command.encode() + b"\0"))
    if message(stream) != b"W":
        sys.exit("the server did not start to replicate")
    # takes all that there is, pauses, and lets the rest wait at the server, as walferry does
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BACKLOG)
    stream.setblocking(False)
    wanted, into, total, reads, seen = marker.encode(), bytearray(4 << 20), 0, 0, b""
    view = memoryview(into)
    while True:
        try:
            count = stream.recv_into(view)
        except BlockingIOError:
            time.sleep(PAUSE)
            continue
        if count == 0:
            sys.exit("the server ended the stream")
        total, reads = total + count, reads + 1
        if into.find(wanted, 0, count) >= 0 or wanted in seen + into[: len(wanted)]:
            break
        seen = bytes(view[max(0, count - len(wanted)) : count])
    ended, now = time.monotonic(), os.times()
    own = now.user + now.system - cpu.user - cpu.system
    print(f"{ended - began:.3f} {total} {reads} {own:.3f}")


main()
