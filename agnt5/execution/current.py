"""Which component's body is running right here: one context variable, set once per body.

It must never hold more than a reference: a body may run long after its attempt died, and asks the reference itself.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agnt5.context import Context
    from agnt5.execution.ops import Op

# A Context, or the Op of a plain step, from which a context is made only when somebody asks.
current: ContextVar[Context | Op | None] = ContextVar("agnt5_current", default=None)


def current_context() -> Context | None:
    """The context of the component or step whose body runs here, None outside of any."""
    found = current.get()
    if found is None:
        return None
    from agnt5.execution.ops import Op

    return found.step_context() if isinstance(found, Op) else found
