"""Connections that are slow to ask: closed, so that a handful of them cannot keep everyone else waiting."""

import asyncio
from typing import Any

from starlette.types import Message, Receive
from uvicorn.protocols.http.h11_impl import H11Protocol

ASKING_SECONDS = 20.0
"""Within which a connection has to say what it asks, from its first byte to the last of its headers."""
BODY_SECONDS = 60.0
"""Within which the body of a request has to come, all of it."""


class TooSlowError(Exception):
    """The body of a request did not come in time."""


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 that closes connections on which no whole request came in time.

    uvicorn itself closes what is idle after an answer; a connection that sends half a request stays for ever.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._wait_for_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_answering():
            self._stop_waiting()
        else:
            self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait_for_request(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(ASKING_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self._is_answering() and not self.transport.is_closing():
            self.transport.close()


def limit_seconds(receive: Receive) -> Receive:
    """Return a way to receive a request that waits for its body no longer than it has to.

    What comes after the body, such as the end of the connection, is waited for as ever.
    """
    is_whole, ends = False, asyncio.get_running_loop().time() + BODY_SECONDS

    async def limited() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError:
            raise TooSlowError from None
        is_whole = not message.get("more_body", False)
        return message

    return limited
