#!/usr/bin/env python3
"""Commit to visible: writes rows to the source and looks at the destination until they are there.

usage: latency.py one SOURCE_PORT DESTINATION_PORT TABLE COPY_OF_TABLE ROWS
       latency.py rate SOURCE_PORT DESTINATION_PORT TABLE COPY_OF_TABLE SECONDS PER_SECOND

Prints milliseconds: median, 99th percentile, maximum, and the number of rows. `one` writes a row, and
looks as fast as the destination answers until it sees it; then comes the next row, after a pause of
random length. `rate` writes by the clock and looks once a millisecond.
"""
import multiprocessing
import random
import socket
import struct
import sys
import time


class Session:
    """A session that prepares one statement with one bigint parameter and one bigint result."""

    def __init__(self, port, statement):
        self.stream = socket.create_connection(("127.0.0.1", port))
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting = b""
        start = b"user\0postgres\0database\0bench\0\0"
        self.stream.sendall(struct.pack("!II", len(start) + 8, 3 << 16) + start)
        self.answer()
        parse = b"s\0" + statement.encode() + b"\0" + struct.pack("!HI", 1, 20)
        self.stream.sendall(packet(b"P", parse) + packet(b"S", b""))
        self.answer()

    def answer(self):
        """The value of the last row before ReadyForQuery, or None."""
        value = None
        while True:
            while len(self.waiting) < 5 or len(self.waiting) < 1 + int.from_bytes(self.waiting[1:5], "big"):
                piece = self.stream.recv(65536)
                if not piece:
                    sys.exit("the server hung up")
                self.waiting += piece
            tag, end = self.waiting[:1], 1 + int.from_bytes(self.waiting[1:5], "big")
            body, self.waiting = self.waiting[5:end], self.waiting[end:]
            if tag == b"E":
                sys.exit(f"the server says: {body!r}")
            if tag == b"D" and body[2:6] != b"\xff\xff\xff\xff":
                value = int.from_bytes(body[6:14], "big", signed=True)
            if tag == b"Z":
                return value

    def run(self, parameter):
        bind = b"\0s\0" + struct.pack("!HHHIqHH", 1, 1, 1, 8, parameter, 1, 1)
        self.stream.sendall(
            packet(b"B", bind) + packet(b"E", b"\0" + struct.pack("!I", 0)) + packet(b"S", b"")
        )
        return self.answer()


def packet(tag, body):
    return tag + struct.pack("!I", len(body) + 4) + body


def writer(port, table):
    return Session(port, f"INSERT INTO {table} (id, n, v) VALUES ($1, 0, 'some text of a row')")


def one(source, destination, table, copy, rows):
    write, seen = writer(source, table), Session(destination, f"SELECT id FROM {copy} WHERE id = $1")
    first, taken = time.time_ns(), []
    for row in range(first, first + rows):
        write.run(row)
        committed = time.perf_counter()
        while seen.run(row) is None:
            pass
        taken.append(time.perf_counter() - committed)
        time.sleep(random.uniform(0.002, 0.012))
    return taken


def write_by_the_clock(source, table, first, rows, per_second, times):
    write, began, committed = writer(source, table), time.perf_counter(), []
    for row in range(rows):
        ahead = began + row / per_second - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        write.run(first + row)
        committed.append(time.perf_counter())
    times.send(committed)


def rate(source, destination, table, copy, seconds, per_second):
    first, rows, visible = time.time_ns(), seconds * per_second, []
    seen = Session(destination, f"SELECT max(id) FROM {copy} WHERE id >= $1")
    ours, theirs = multiprocessing.Pipe()
    arguments = (source, table, first, rows, per_second, theirs)
    process = multiprocessing.Process(target=write_by_the_clock, args=arguments)
    process.start()
    while len(visible) < rows:
        # the copy is in the order of the commits, which is that of the keys
        last = seen.run(first)
        now = time.perf_counter()
        count = 0 if last is None else last - first + 1
        visible += [now] * (count - len(visible))
        time.sleep(0.001)
    committed = ours.recv()
    process.join()
    print(f"{rows / (committed[-1] - committed[0]):.0f} transactions a second", file=sys.stderr)
    return [there - here for there, here in zip(visible, committed)]


def main():
    kind, source, destination, table, copy, *numbers = sys.argv[1:]
    work = {"one": one, "rate": rate}[kind]
    taken = sorted(work(int(source), int(destination), table, copy, *map(int, numbers)))
    at = [taken[len(taken) // 2], taken[min(len(taken) - 1, len(taken) * 99 // 100)], taken[-1]]
    print(*(f"{1000 * value:.3f}" for value in at), len(taken))


main()
