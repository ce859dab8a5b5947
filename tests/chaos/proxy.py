"""The wire between workers and broker, which can be slow, cut, or swallow everything."""

import asyncio
import contextlib
import random
import socket
import struct
import threading

PIECE = 64 * 1024
NO_LINGER = struct.pack("ii", 1, 0)
"""Closed like this, a socket sends a reset."""


class Proxy:
    """Passes TCP from `port` to `target`, both on loopback, on a thread and a loop of its own.

    What is swallowed is kept and passed on afterwards, as a network does that sends again: a commit can arrive long
    after its sender was given up.
    """

    def __init__(self, port: int, target: int, seed: int = 0) -> None:
        self.port = port
        self._target = target
        self._random = random.Random(seed)
        self._delay = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._open.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> None:
        """Listens when it returns."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", self.port), self._loop
        ).result(10)

    def delay(self, seconds: float) -> None:
        """Every piece waits up to so long from now on."""
        self._delay = seconds

    def swallow(self) -> None:
        """Nothing arrives from now on, and nobody is told."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def reset(self) -> None:
        """Every connection there is ends."""
        self._loop.call_soon_threadsafe(self._reset)

    def heal(self) -> None:
        """Everything arrives from now on, and at once."""
        self._delay = 0.0
        self._loop.call_soon_threadsafe(self._open.set)

    def close(self) -> None:
        """Ends the connections and the thread."""
        self.heal()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._reset()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _reset(self) -> None:
        for writer in list(self._writers):
            connection = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        theirs: asyncio.StreamWriter | None = None
        try:
            await self._open.wait()
            their_reader, theirs = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(theirs)
            ways = [asyncio.ensure_future(self._pass(reader, theirs))]
            ways.append(asyncio.ensure_future(self._pass(their_reader, writer)))
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # the broker is away: so is the connection
        finally:
            for each in filter(None, (writer, theirs)):
                self._writers.discard(each)
                each.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                if self._delay:
                    await asyncio.sleep(self._random.uniform(0, self._delay))
                await self._open.wait()
                writer.write(piece)
                await writer.drain()
