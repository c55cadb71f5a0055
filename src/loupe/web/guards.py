"""Who may ask, and how much at once: everything that stands before the addresses.

A page in the user's browser can send requests to this machine, so being local is no protection by itself:
the Host header is checked against names an attacker's page could bind to this machine (DNS rebinding), what
changes or computes something must come from our own page (Origin), and no other origin may read an answer.
"""

import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loupe.runs.reading import read_bytes, reading
from loupe.web.slow_connections import BODY_SECONDS, limit_seconds

MOST_BYTES = 16 * 2**20  # of one request
COOKIE = "loupe_token"
_MOST_REPORT_BYTES = 512 * 2**20

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads; "  # downloads: figures and tables are saved by a click
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
"""What the interface's description says of an address that answers with a page of its own."""
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}


def make_problem(
    status: int, message: str, *, got: object = None, allowed: str | None = None, next_step: str | None = None
) -> JSONResponse:
    """Return an error as JSON: what is wrong, what was got, what is allowed, the next step."""
    told = {"error": message, "got": got, "allowed": allowed, "next": next_step}
    written = {name: None if text is None else _shorten(str(text)) for name, text in told.items()}
    return JSONResponse(written, status)


def _shorten(text: str, most: int = 600) -> str:
    """Return a text as UTF-8 can have it, not longer than a person reads; what was sent may stand in it."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= most else f"{text[:most]} …"


def serve_report(path: Path) -> Response:
    """Return a report as an answer: a page that may run its own scripts and nothing else.

    Raises:
        RunError: it is no regular file any more.
    """
    with reading(path):
        content = read_bytes(path, _MOST_REPORT_BYTES)
        return Response(content, media_type="text/html", headers={"content-security-policy": REPORT_POLICY})
    raise AssertionError


class Guard:
    """Middleware that turns away requests with a wrong host, origin or token, and those that are too large.

    Args:
        app: what is guarded.
        token: what a request has to know; None lets all in that name an allowed host.
        host: a further name that the server is known by.
    """

    def __init__(self, app: ASGIApp, *, token: str | None = None, host: str | None = None) -> None:
        self.app = app
        self.token = token
        self.host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        refusal = self._refuse(scope)
        if refusal is not None:
            await refusal(scope, receive, _adding_headers(send))
            return
        send = _adding_headers(send)
        if scope["method"] == "HEAD":  # what a GET would say, without saying it
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        await self.app(scope, _limiting(limit_seconds(receive)), send)

    def _refuse(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not is_allowed_host(host, self.host):
            return make_problem(
                403,
                "This server does not answer to that name.",
                got=host or "no Host header",
                allowed="localhost or an IP address",
                next_step="open the address that `loupe open` prints",
            )
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
        is_ours = origin is None or urlsplit(origin).netloc == host
        is_read = scope["method"] in ("GET", "HEAD")
        changes_nothing = is_read and not _computes(scope["path"])
        if not changes_nothing and not (is_ours and site in ("same-origin", "none")):
            return make_problem(
                403,
                "Another page's requests are not answered.",
                got=f"Origin {origin}",
                allowed="Loupe's own page, or a program that sends no Origin",
                next_step="use the page that `loupe open` serves",
            )
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return _too_large(length)
        return self._refuse_stranger(scope, headers)

    def _refuse_stranger(self, scope: Scope, headers: Headers) -> Response | None:
        if self.token is None:
            return None
        wanted = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and _is_same(wanted, self.token):  # the printed address: remember, then hide
            response = RedirectResponse("/", 303)
            response.set_cookie(COOKIE, self.token, httponly=True, samesite="strict")
            return response
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        given = bearer if scheme.lower() == "bearer" else cookie.value if cookie else ""
        if _is_same(given, self.token):
            return None
        return make_problem(
            401,
            "This server wants its token.",
            got="no token, or another one",
            allowed="the header Authorization: Bearer TOKEN, or the page opened with ?token=TOKEN",
            next_step="open the address that `loupe open` prints",
        )


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())  # in constant time


def is_allowed_host(header: str, also: str | None = None) -> bool:
    """Return whether a Host header names this server in a way that no DNS entry can fake.

    An IP address or `localhost` cannot be rebound by somebody else's name server; any other name could be.
    """
    try:
        name = urlsplit(f"//{header}").hostname or ""
        _ = urlsplit(f"//{header}").port
    except ValueError:
        return False
    if name == "localhost" or (also is not None and name == also.lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class TooLargeError(Exception):
    """A request body went on beyond the limit, whatever its header said."""


def _too_large(got: str) -> Response:
    return make_problem(
        413,
        "This request is too large.",
        got=f"{got} bytes",
        allowed=f"up to {MOST_BYTES // 2**20} MiB",
        next_step="send fewer or smaller images",
    )


def refuse_large() -> Response:
    """Return the answer to a body that went on beyond the limit."""
    return _too_large(f"more than {MOST_BYTES}")


def refuse_slow() -> Response:
    """Return the answer to a body that did not come in time."""
    return make_problem(
        408,
        "The rest of this request did not come.",
        got=f"less than its length in {BODY_SECONDS:g} seconds",
        allowed="all of it, within that time",
        next_step="send it again",
    )


def _computes(path: str) -> bool:
    """Return whether an address may make the server work; reports and the page's own files are only read."""
    return path.startswith("/api/") and not path.endswith("/report")


def _without_body(send: Send) -> Send:
    async def shortened(message: Message) -> None:
        if message["type"] == "http.response.body":
            if message.get("more_body", False):
                return
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return shortened


def _limiting(receive: Receive) -> Receive:
    total = 0

    async def limited() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MOST_BYTES:
            raise TooLargeError
        return message

    return limited


def _adding_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(
                    (name.encode(), value.encode())
                    for name, value in _HEADERS.items()
                    if name.encode() not in present
                ),
            ]
        await send(message)

    return with_headers
