"""A value that cannot be recorded, and the path to it, put together while the stack unwinds.

Paths cost nothing while all goes well: each container adds its segment only when a fault passes through it.
"""

from __future__ import annotations

from agnt5.errors import SerializationError

# Values nested deeper than this would give paths nobody reads.
_SHOWN = 12


class Fault(Exception):
    """Why a value cannot be recorded. Internal: leaves the codec as SerializationError."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.segments: list[str] = []

    def at(self, segment: str) -> Fault:
        """Called by each container on the way out, innermost first."""
        self.segments.append(segment)
        return self

    def path(self, root: str) -> str:
        segments = self.segments[::-1]
        if len(segments) > _SHOWN:
            segments = [*segments[: _SHOWN // 2], " … ", *segments[-_SHOWN // 2 :]]
        return root + "".join(segments)

    def error(self, root: str) -> SerializationError:
        path = self.path(root)
        return SerializationError(f"{path} cannot be recorded: {self.reason}", path=path)


def key_segment(key: object) -> str:
    """How a path names the entry of a dict: `.name`, or `["any other key"]`."""
    if isinstance(key, str) and key.isidentifier():
        return f".{key}"
    text = repr(key)
    return f"[{text if len(text) <= 40 else text[:37] + '...'}]"
