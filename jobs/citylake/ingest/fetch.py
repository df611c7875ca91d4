"""Hop 1: brings deliveries from a source into the inbox; the manifest goes last, so a half-fetched delivery does not exist."""

from __future__ import annotations

from pathlib import Path

from citylake.lake.names import inbox_prefix
from citylake.lake.store import Store


def fetch_folder(store: Store, source: Path) -> int:
    """Copy every delivery below `<source>/<department>/<dataset>/<delivery>/` that the inbox does not hold yet."""
    fetched = 0
    for manifest in sorted(source.glob("*/*/*/manifest.json")):
        folder = manifest.parent
        prefix = f"{inbox_prefix('/'.join(folder.parts[-3:-1]))}{folder.name}/"
        if store.exists(f"{prefix}manifest.json"):
            continue
        for path in sorted(p for p in folder.iterdir() if p != manifest):
            store.upload(path, prefix + path.name)
        store.upload(manifest, f"{prefix}manifest.json")
        fetched += 1
    return fetched
