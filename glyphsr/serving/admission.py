"""Turns requests away before their pictures are read: too many at a time, or too large."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import HTTPException

from glyphsr.serving.metrics import Metrics

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

PATH = "/upscale"


class Admission:
    """ASGI middleware around the application.

    Args:
        app: The application.
        most: Requests for enlargements in work at a time.
        max_bytes: Of a request.
        seconds: In which all of a request has to be here: whoever sends slowly keeps others out.
        metrics: Counts the answers.
    """

    def __init__(self, app: App, *, most: int, max_bytes: int, seconds: float, metrics: Metrics) -> None:
        self.app, self.most, self.max_bytes, self.seconds, self.metrics = app, most, max_bytes, seconds, metrics
        self.in_work = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return

        began = time.monotonic()
        statuses = []

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        # Counted from the first byte on: slow senders hold a place, too.
        self.in_work += 1
        self.metrics.in_work.set(self.in_work)
        try:
            await self._admit(scope, receive, watched)
        finally:
            self.in_work -= 1
            self.metrics.in_work.set(self.in_work)
            # 499, as nginx counts clients that went away without an answer.
            self.metrics.requests.labels(str(statuses[0] if statuses else 499)).inc()
            self.metrics.seconds.observe(time.monotonic() - began)

    async def _admit(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if self.in_work > self.most:
            await _refuse(send, 429, f"{self.most} requests are in work; try again later", (b"retry-after", b"1"))
            return
        # By what the header says first, then by what really comes.
        too_large = f"the request has more than {self.max_bytes:,} bytes"
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self.max_bytes:
            await _refuse(send, 413, too_large, (b"connection", b"close"))
            return

        came, is_whole = 0, False
        deadline = time.monotonic() + self.seconds

        async def counted() -> Message:
            nonlocal came, is_whole
            if is_whole:  # what comes now is that the client is gone
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.0, deadline - time.monotonic()))
            except TimeoutError as error:
                raise HTTPException(408, f"the request was not here within {self.seconds:g} seconds") from error
            is_whole = not message.get("more_body", False)
            came += len(message.get("body", b""))
            if came > self.max_bytes:
                raise HTTPException(413, too_large)  # the one error that FastAPI lets through while it reads a body
            return message

        await self.app(scope, counted, send)


async def _refuse(send: Send, status: int, reason: str, *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps({"detail": reason}).encode()
    content = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*content, *headers]})
    await send({"type": "http.response.body", "body": body})
