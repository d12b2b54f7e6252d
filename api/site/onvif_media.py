"""The addresses of a device's streams, by ONVIF's media service (Media Service Specification)."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import msgspec

from api.site.onvif_soap import Asker, OnvifError, ask, attribute, elements, first

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
MOST_PROFILES = 8
YEARS = range(1970, 2100)


class FoundStream(msgspec.Struct):
    """A stream of a device: its address, without user and password, and how it is encoded."""

    url: str
    profile: str
    encoding: str | None = None
    width: int | None = None
    height: int | None = None


async def streams(service: str, asker: Asker) -> list[FoundStream]:
    """The RTSP streams of the device behind a device service, smallest picture first.

    Raises `OnvifError`, and `ValueError` for an address that is none.
    """
    if asker.username:
        asker = asker._replace(ahead=await _ahead(service, asker))
    body = "<t:GetCapabilities><t:Category>Media</t:Category></t:GetCapabilities>"
    capabilities = await ask(asker, service, DEVICE, body)
    media = next((inside for _, inside in elements(capabilities, "Media")), "")
    address = _at(service, first(media, "XAddr")) if media else service
    profiles = await ask(asker, address, MEDIA, "<t:GetProfiles/>")
    found = [
        (attribute(attributes, "token"), inside)
        for attributes, inside in elements(profiles, "Profiles")
    ]
    asked = [
        _stream(service, address, token, inside, asker)
        for token, inside in found[:MOST_PROFILES]
        if token
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    named = [answer for answer in answers if isinstance(answer, FoundStream)]
    if not named:
        raise next((one for one in answers if isinstance(one, OnvifError)), None) or OnvifError(
            "it names no RTSP stream"
        )
    return sorted(named, key=lambda stream: (stream.width or 0) * (stream.height or 0))


async def _ahead(service: str, asker: Asker) -> timedelta:
    """How far a device's clock is ahead of ours: it refuses who asks at another time than its own.

    It says its time to anybody (ONVIF Core, chapter 8.3.4); where it does not, it is ours.
    """
    try:
        answer = await ask(
            Asker(loopback=asker.loopback), service, DEVICE, "<t:GetSystemDateAndTime/>"
        )
        utc = next((inside for _, inside in elements(answer, "UTCDateTime")), "")
        parts = ("Year", "Month", "Day", "Hour", "Minute", "Second")
        there = datetime(*[int(first(utc, part)) for part in parts], tzinfo=UTC)  # type: ignore[misc,arg-type]
    except (OnvifError, ValueError):
        return timedelta()
    return there - datetime.now(UTC) if there.year in YEARS else timedelta()


async def _stream(
    service: str, media: str, token: str, profile: str, asker: Asker
) -> FoundStream | None:
    body = (
        "<t:GetStreamUri><t:StreamSetup><x:Stream>RTP-Unicast</x:Stream><x:Transport>"
        "<x:Protocol>RTSP</x:Protocol></x:Transport></t:StreamSetup>"
        f"<t:ProfileToken>{_escaped(token)}</t:ProfileToken></t:GetStreamUri>"
    )
    uri = first(await ask(asker, media, MEDIA, body), "Uri")
    if not uri.startswith(("rtsp://", "rtsps://")):
        return None
    encoder = next((inside for _, inside in elements(profile, "VideoEncoderConfiguration")), "")
    return FoundStream(
        _without_user(_at(service, uri)),
        first(profile, "Name")[:100] or token,
        first(encoder, "Encoding")[:20] or None,
        _number(first(encoder, "Width")),
        _number(first(encoder, "Height")),
    )


def _at(service: str, address: str) -> str:
    """An address that a device gives, at the host that answered.

    Devices behind a router name themselves as they see it, and none shall send us elsewhere.
    """
    parts, here = urlsplit(address), urlsplit(service)
    host = here.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, f"{host}{port}", parts.path, parts.query, ""))


def _without_user(address: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 6 else None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
