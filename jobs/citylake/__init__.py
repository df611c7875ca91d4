"""citylake: an open municipal data lake. `citylake.read` reads a released table without a JVM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from citylake.release.read import read as read

__all__ = ["read"]


def __getattr__(name: str) -> Any:
    """Import late what needs Arrow: most of the package does not."""
    if name == "read":
        from citylake.release.read import read

        return read
    raise AttributeError(f"module 'citylake' has no attribute '{name}'")
