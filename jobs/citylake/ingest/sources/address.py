"""Where a source is: the URI of a connection, taken apart once, so that its secrets reach the wire and no
text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from citylake.core.errors import LakeError


@dataclass(frozen=True)
class Address:
    """A connection without anything secret in its `repr` and its `place`."""

    name: str  # id among the connections of the settings, or ""
    scheme: str
    host: str
    port: int | None
    path: str
    options: dict[str, str]  # behind "#": what the lake shall do there; never sent
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    query: dict[str, str] = field(default_factory=dict, repr=False)
    uri: str = field(default="", repr=False)  # as configured, without options

    @property
    def place(self) -> str:
        """How messages call it."""
        port = f":{self.port}" if self.port else ""
        return f"{self.name + ' ' if self.name else ''}{self.scheme}://{self.host}{port}{self.path}"

    def option(self, name: str) -> str:
        """An option that must be given; LakeError `source.option` when it is not."""
        if name not in self.options:
            raise LakeError(
                "source.option",
                f"the source needs the option {name}",
                where=self.place,
                now=f"add #{name}=... behind the connection",
            )
        return self.options[name]


def parse_address(name: str, uri: str, options: str = "") -> Address:
    """Take a URI apart; `options` (text behind `#`) beat those of the URI. LakeError `source.address` when it
    is none.
    """
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise LakeError(
            "source.address",
            "the address of the source is no URI",
            where=name,
            now="mend the connection in the settings",
        ) from None
    if not parts.scheme or "://" not in uri:
        raise LakeError(
            "source.address",
            "the address of the source has no scheme",
            where=name,
            now="mend the connection in the settings",
        )
    return Address(
        name,
        parts.scheme.lower(),
        parts.hostname or "",
        port,
        unquote(parts.path),
        pairs(parts.fragment) | pairs(options),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        query=pairs(parts.query),
        uri=uri.partition("#")[0],
    )


def pairs(text: str) -> dict[str, str]:
    """`a=1&b=%20` as a dictionary; "+" stays "+", for keys in base64 hold it."""
    found = (pair.partition("=") for pair in text.split("&") if pair)
    return {unquote(key): unquote(value) for key, _, value in found}
