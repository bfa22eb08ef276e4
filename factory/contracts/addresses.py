"""Addresses whose answers nobody on the way can change."""

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from requests import Response

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_safe(url: str) -> bool:
    """Whether it is https, or http to this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def redirected_to(answer: "Response") -> str | None:
    """Where an answer sends to; None if it does not."""
    return urljoin(answer.url, answer.headers["location"]) if answer.is_redirect else None
