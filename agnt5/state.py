"""`ctx.state`: values by name that live as long as their run.

Setting and deleting are commands. It must never keep a value itself: what a replay reads has to come from the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnt5.codec import encode
from agnt5.errors import ConfigurationError
from agnt5.execution.kinds import STATE_DELETE, STATE_SET

if TYPE_CHECKING:
    from agnt5.context import Context


class State:
    """Values by name, kept with the run and gone with it."""

    __slots__ = ("_ctx", "_scope")

    def __init__(self, ctx: Context, scope: Any) -> None:
        self._ctx = ctx
        self._scope = scope

    async def set(self, key: str, value: Any) -> None:
        self._scope.tell(STATE_SET, _key(key), encode(value))

    async def get(self, key: str, default: Any = None) -> Any:
        found = self._scope.state_get(_key(key))
        return default if found is None else self._scope.attempt.read(found)

    async def delete(self, key: str) -> None:
        self._scope.tell(STATE_DELETE, _key(key), b"")

    async def keys(self) -> list[str]:
        """Sorted."""
        return sorted(self._scope.state_keys())


def _key(key: str) -> str:
    if not key:
        raise ConfigurationError(f"State is kept under a name, a string that is not empty; not {key!r}.")
    return key
