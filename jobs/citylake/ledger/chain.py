"""The events of a chain, read once and found by name and batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from citylake.ledger.evidence import Event


class Chain(Sequence["Event"]):
    """The events of a chain in order; the last of each name of a batch is found without a search."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        """`events` in the order of the chain."""
        self._events = list(events)
        self._last = {(e.event, e.batch): e for e in self._events}

    def followed_by(self, events: Sequence[Event]) -> Chain:
        """This chain and what it took in since; whoever holds this one sees no more than before."""
        longer = Chain()
        longer._events = [*self._events, *events]
        longer._last = self._last | {(e.event, e.batch): e for e in events}
        return longer

    def last(self, event: str, batch: int | None) -> Event | None:
        """The last event of that name for a batch."""
        return self._last.get((event, batch))

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        return self._events[index]

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)
