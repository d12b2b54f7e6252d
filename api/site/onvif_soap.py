"""SOAP to one ONVIF device: requests with a UsernameToken, and the few elements of the answers.

A device that asks for a user by HTTP is answered by Digest, never by Basic.
"""

import asyncio
import base64
import contextlib
import hashlib
import html
import http.client
import re
import secrets
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from api.secret_repr import redacted
from api.site.outside import Outside, check_outside
from connectors.camera.http_auth import HttpAuth

LONGEST_ANSWER = 256 << 10
WAIT = 4.0
_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>{security}</s:Header>
<s:Body xmlns:t="{namespace}" xmlns:x="http://www.onvif.org/ver10/schema">{body}</s:Body></s:Envelope>"""
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_SECURITY = f"""<w:Security s:mustUnderstand="1" xmlns:w="{_WSS}wssecurity-secext-1.0.xsd"
 xmlns:u="{_WSS}wssecurity-utility-1.0.xsd"><w:UsernameToken><w:Username>{{user}}</w:Username>
<w:Password Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest">{{digest}}</w:Password>
<w:Nonce EncodingType="{_WSS}soap-message-security-1.0#Base64Binary">{{nonce}}</w:Nonce>
<u:Created>{{created}}</u:Created></w:UsernameToken></w:Security>"""
_FAULT = re.compile(r"<(?:[\w-]{1,40}:)?Fault[\s>]")


class OnvifError(Exception):
    """A device does not say what was asked; the message is for people."""


class Refused(OnvifError):
    """A device wants a user and a password, or others."""


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """The digest of WS-Security UsernameToken Profile 1.0, chapter 3.1."""
    sum_ = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False)
    return base64.b64encode(sum_.digest()).decode()


def security_header(username: str, password: str, ahead: timedelta) -> str:
    """The header that says who asks; its nonce is good once.

    It says when by the device's clock, which is `ahead` of ours.
    """
    nonce = secrets.token_bytes(16)
    created = (datetime.now(UTC) + ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _SECURITY.format(
        user=escape(username),
        digest=password_digest(nonce, created, password),
        nonce=base64.b64encode(nonce).decode(),
        created=created,
    )


class Asker(NamedTuple):
    """Who asks devices; `loopback`: also those on this machine.

    `ahead`: how far the clock of the device is ahead of ours.
    """

    username: str = ""
    password: str = ""
    loopback: bool = False
    ahead: timedelta = timedelta()

    def __repr__(self) -> str:
        return redacted(self)


async def ask(asker: Asker, service: str, namespace: str, body: str) -> str:
    """The answer of a device's service to a request. Raises `OnvifError`."""
    security = (
        security_header(asker.username, asker.password, asker.ahead) if asker.username else ""
    )
    envelope = _ENVELOPE.format(security=security, namespace=namespace, body=body)
    opened: list[socket.socket] = []
    try:
        async with asyncio.timeout(WAIT):
            place = await check_outside(service, ("http", "https"), asker.loopback)
            auth = HttpAuth(asker.username, asker.password, basic=False)
            posting = asyncio.to_thread(_post, place, service, envelope.encode(), auth, opened)
            status, text = await posting
    except TimeoutError:
        for one in opened:  # else a thread waits as long as the device likes
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        raise OnvifError(f"no answer within {WAIT:g} s") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise OnvifError(f"no answer: {error or type(error).__name__}") from None
    if status in (401, 403) or (_FAULT.search(text) and "NotAuthorized" in text):
        raise Refused("it wants a user and a password, or others than these")
    if status != 200 or _FAULT.search(text):
        raise OnvifError(f"it answered {status}: {_reason(text)}")
    return text


def elements(text: str, name: str) -> Iterator[tuple[str, str]]:
    """The attributes and the inside of each element of a local name.

    Looks for the few elements it needs: entities are never expanded. Elements of one name do not
    stand in each other. Takes as long as the text is, whatever a device sends.
    """
    head = re.compile(rf"<(?:[\w-]{{1,40}}:)?{name}(\s[^>]{{0,400}})?>")
    tail = re.compile(rf"</(?:[\w-]{{1,40}}:)?{name}\s*>")
    at = 0
    while (found := head.search(text, at)) and (end := tail.search(text, found.end())):
        yield found[1] or "", text[found.end() : end.start()]
        at = end.end()


def first(text: str, name: str) -> str:
    """The text of the first element of a local name; empty where there is none."""
    inside = next((inside for _, inside in elements(text, name)), "")
    return html.unescape(inside.strip()) if "<" not in inside else ""


def attribute(attributes: str, name: str) -> str:
    """The value of an attribute; empty where there is none."""
    found = re.search(rf"""\s{name}\s*=\s*["']([^"']{{0,200}})["']""", attributes)
    return html.unescape(found[1]) if found else ""


def _connection(place: Outside, service: str) -> http.client.HTTPConnection:
    if urlsplit(service).scheme == "http":
        return http.client.HTTPConnection(place.address, place.port, timeout=WAIT)
    context = ssl.create_default_context()  # cameras sign their certificates themselves
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(place.address, place.port, timeout=WAIT, context=context)


def _post(
    place: Outside, service: str, body: bytes, auth: HttpAuth, opened: list[socket.socket]
) -> tuple[int, str]:
    """Status and text of the answer; what is `opened` may be cut by another thread."""
    answer, text = _post_once(place, service, body, auth, opened)
    if answer.status == 401 and auth.take(answer.headers.get_all("WWW-Authenticate") or []):
        answer, text = _post_once(place, service, body, auth, opened)
    return answer.status, text


def _post_once(
    place: Outside, service: str, body: bytes, auth: HttpAuth, opened: list[socket.socket]
) -> tuple[http.client.HTTPResponse, str]:
    connection = _connection(place, service)
    parts = urlsplit(service)
    try:
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        headers = {"Content-Type": "application/soap+xml; charset=utf-8", "Host": parts.netloc}
        if proof := auth.header("POST", path):
            headers["Authorization"] = proof
        connection.connect()
        opened.append(connection.sock)
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        data = answer.read(LONGEST_ANSWER + 1)
    finally:
        connection.close()
    if len(data) > LONGEST_ANSWER:
        raise OnvifError(f"its answer is longer than {LONGEST_ANSWER} bytes")
    return answer, data.decode("utf-8", "replace")


def _reason(text: str) -> str:
    return first(text, "Text")[:200] or "no reason given"
