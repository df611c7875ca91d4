"""A stand-in for a directory: answers simple binds of LDAP (RFC 4511, 4.2) and knows one user."""

from __future__ import annotations

import socket
import threading

KNOWN = (b"uid=zhao,ou=people,dc=city", b"right")
SUCCESS, INVALID_CREDENTIALS = 0, 49


def directory(listener: socket.socket, asked: list[bytes]) -> None:
    """Serve until the listener closes; names that were asked for are noted."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                message = connection.recv(4096)
                if message:
                    connection.sendall(_answer(message, asked))
                    connection.recv(4096)  # the unbind

    threading.Thread(target=serve, daemon=True).start()


def _answer(message: bytes, asked: list[bytes]) -> bytes:
    """Lengths stay below 128 in a bind so short, one byte each: id, version, name, password."""
    number = message[2:5]
    at = 2 + len(number) + 2 + 3  # tag and length of the bind, then its version
    name = message[at + 2 : at + 2 + message[at + 1]]
    at += 2 + len(name)
    password = message[at + 2 : at + 2 + message[at + 1]]
    asked.append(name)
    code = SUCCESS if (name, password) == KNOWN else INVALID_CREDENTIALS
    result = b"\x61\x07\x0a\x01" + bytes([code]) + b"\x04\x00\x04\x00"
    return b"\x30" + bytes([len(number) + len(result)]) + number + result
