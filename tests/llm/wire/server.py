"""The loopback server: takes requests, keeps them, and plays one act for each.

Real sockets in threads of its own, so that SDKs meet what they meet outside. It must never decide what a provider says.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from types import TracebackType
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from llm.wire.acts import Act, Answer, Cut, Delayed, Failure, Held, Raw, Vectors
from llm.wire.dialect import Dialect
from llm.wire.received import Received

Script = Callable[[Received], Act]
PATIENCE = 20.0
"""Seconds after which waiting for requests is a failed test."""


class WireServer:
    """A provider at `url`. Give it acts, one a request, or one function of the request for all of them."""

    def __init__(self, dialect: Dialect, *acts: Act | Script) -> None:
        self.dialect = dialect
        self.requests: list[Received] = []
        self.peak = 0
        """The most requests that were in hand at the same time."""
        self.closing = Event()
        self._acts = list(acts)
        self._changed = Condition()
        self._in_hand = 0
        self._http = _Http(self)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def count(self) -> int:
        return len(self.requests)

    @property
    def last(self) -> Received:
        return self.requests[-1]

    def then(self, *acts: Act | Script) -> None:
        """Add acts for the requests to come."""
        self._acts.extend(acts)

    def wait(self, count: int) -> None:
        """Block until so many requests have come."""
        with self._changed:
            came = self._changed.wait_for(lambda: self.count >= count, PATIENCE)
        assert came, f"only {self.count} of {count} requests came"

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> WireServer:
        Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def take(self, request: Received) -> Act:
        """Keep the request and say what to do with it."""
        with self._changed:
            self.requests.append(request)
            self._in_hand += 1
            self.peak = max(self.peak, self._in_hand)
            self._changed.notify_all()
            act = self._acts[0] if self._acts else Failure(418, "The test gave no act for this request.")
            if not callable(act):
                del self._acts[:1]
                return act
        return act(request)

    def done(self) -> None:
        with self._changed:
            self._in_hand -= 1
            self._changed.notify_all()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, wire: WireServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wire = wire

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests; other errors are shown."""
        import sys

        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(cast("socket.socket", request), client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        wire = cast("_Http", self.server).wire
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received("POST", address.path, dict(parse_qsl(address.query)), headers, body)
        act = wire.take(request)
        try:
            self._play(wire, request, act)
        finally:
            wire.done()

    def _play(self, wire: WireServer, request: Received, act: Act) -> None:
        """Send the act piece by piece; a Cut, Held or Delayed around it decides about the time between them."""
        stop: int | None = None
        gates: list[tuple[int, Event]] = []
        while isinstance(act, Cut | Held | Delayed):
            if isinstance(act, Cut):
                stop = act.after
            elif isinstance(act, Held):
                gates.append((act.after, act.gate))
            else:
                wire.closing.wait(act.seconds)
            act = act.act
        for number, piece in enumerate(self._pieces(wire.dialect, request, act)):
            for after, gate in gates:
                while number == after and not gate.wait(0.02) and not wire.closing.is_set():
                    pass
            if number == stop or wire.closing.is_set():
                self._hang_up()
                return
            self.wfile.write(piece)
        if stop is not None:
            self._hang_up()

    def _pieces(self, dialect: Dialect, request: Received, act: Act) -> Iterator[bytes]:
        wanted = dialect.asks_for(request)
        if isinstance(act, Raw):
            yield from self._whole(act.status, act.body, {"content-type": act.content_type})
        elif isinstance(act, Failure):
            told = replace(act, message=act.message.replace("{key}", dialect.credential(request)))
            yield from self._json(act.status, dialect.failure(told), dict(act.headers))
        elif isinstance(act, Vectors) and wanted == "vectors":
            yield from self._json(200, dialect.vectors(request, act))
        elif isinstance(act, Answer) and wanted == "answer":
            yield from self._json(200, dialect.whole(request, act))
        elif isinstance(act, Answer) and wanted == "stream":
            yield from self._stream(dialect.pieces(request, act))
        else:
            problem = Failure(404, f"{request.path} asks for {wanted or 'nothing known'}, the act is {act!r}.")
            yield from self._json(404, dialect.failure(problem))

    def _json(self, status: int, body: object, headers: dict[str, str] | None = None) -> Iterator[bytes]:
        return self._whole(status, json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})})

    def _whole(self, status: int, body: bytes, headers: dict[str, str]) -> Iterator[bytes]:
        half = len(body) // 2
        yield _head(status, {**headers, "content-length": str(len(body))}) + body[:half]
        yield body[half:]

    def _stream(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        head = _head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        for piece in pieces:
            yield head + b"%x\r\n%s\r\n" % (len(piece), piece)
            head = b""
        yield head + b"0\r\n\r\n"

    def _hang_up(self) -> None:
        """Reset the connection, so that the client cannot take it for an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: a test that fails shows what it needs."""


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
