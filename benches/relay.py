#!/usr/bin/env python3
"""A long way to a server: passes bytes on after a delay, as much as comes, in both directions.

usage: relay.py LISTEN_PORT SERVER_PORT MILLISECONDS    (each way; both ports on 127.0.0.1)
"""
import asyncio
import collections
import sys

PIECE = 256 << 10
# so much may be on the way in one direction; the window of a link of 10 Gbit/s and 50 ms
ON_THE_WAY = 64 << 20


async def one_way(reader, writer, delay):
    loop = asyncio.get_running_loop()
    way, arrived, left = collections.deque(), asyncio.Event(), asyncio.Event()
    bytes_on_the_way = 0

    async def deliver():
        nonlocal bytes_on_the_way
        while True:
            while not way:
                arrived.clear()
                await arrived.wait()
            due, piece = way.popleft()
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
            bytes_on_the_way -= len(piece)
            left.set()
        writer.close()

    delivering = asyncio.create_task(deliver())
    try:
        while True:
            piece = await reader.read(PIECE)
            way.append((loop.time() + delay, piece))
            bytes_on_the_way += len(piece)
            arrived.set()
            if not piece:
                break
            while bytes_on_the_way > ON_THE_WAY:
                left.clear()
                await left.wait()
    except OSError:
        way.append((loop.time() + delay, b""))
        arrived.set()
    try:
        await delivering
    except OSError:
        writer.close()


async def main():
    listen, server, delay = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000

    async def accepted(reader, writer):
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", server, limit=PIECE)
        except OSError:
            writer.close()
            return
        await asyncio.gather(one_way(reader, forth, delay), one_way(back, writer, delay))

    relay = await asyncio.start_server(accepted, "127.0.0.1", listen, limit=PIECE, backlog=128)
    print("listening", flush=True)
    async with relay:
        await relay.serve_forever()


asyncio.run(main())
