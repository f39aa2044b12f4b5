"""How much an agent may spend, and what happens when it has.

A spent budget pauses the run: nothing is lost, and it goes on when a person allows more. Amounts are counted from
recorded answers, so a replay counts the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from agnt5.codec import register_type
from agnt5.durable import object
from agnt5.errors import ConfigurationError
from agnt5.llm.types import Usage


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on what is spent; None: none. `cost` in US dollars, `calls` of models.

    `per`: "run", all runs of a "session" together, or all runs of the "agent".
    """

    tokens: int | None = None
    cost: float | None = None
    calls: int | None = None
    per: Literal["run", "session", "agent"] = "run"

    def __post_init__(self) -> None:
        for name in ("tokens", "cost", "calls"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigurationError(f"Budget({name}=) is above 0, not {value!r}.")
        if self.per not in ("run", "session", "agent"):
            raise ConfigurationError(f"Budget(per=) is 'run', 'session' or 'agent', not {self.per!r}.")
        if self.tokens is None and self.cost is None and self.calls is None:
            raise ConfigurationError("A Budget limits tokens=, cost= or calls=.")

    def over(self, spent: Spent) -> str:
        """Which limit is reached, in words; "" when none is."""
        for name in ("tokens", "cost", "calls"):
            limit, used = getattr(self, name), getattr(spent, name)
            if limit is not None and used >= limit:
                unit = {"tokens": "tokens", "cost": "US dollars", "calls": "model calls"}[name]
                return f"{used:g} of {limit:g} {unit}"
        return ""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent. `cost` counts known prices only; `priced` is False when one was not known."""

    tokens: int = 0
    cost: float = 0.0
    calls: int = 0
    priced: bool = True

    @staticmethod
    def of(entries: Sequence[float]) -> Spent:
        """From what a Ledger gave."""
        tokens, cost, calls = entries
        return Spent(int(tokens), float(cost), int(calls))

    def plus(self, usage: Usage, cost: float | None) -> Spent:
        """With one more answer."""
        return replace(
            self,
            tokens=self.tokens + usage.total,
            cost=self.cost + (cost or 0.0),
            calls=self.calls + 1,
            priced=self.priced and cost is not None,
        )

    @property
    def known_cost(self) -> float | None:
        return self.cost if self.priced else None


@object(name="agnt5.Ledger")
class Ledger:
    """What was spent under one key: a session's or an agent's."""

    def __init__(self) -> None:
        self.tokens = 0
        self.cost = 0.0
        self.calls = 0

    async def add(self, tokens: int, cost: float) -> list[float]:
        self.tokens += tokens
        self.cost += cost
        self.calls += 1
        return await self.read()

    async def read(self) -> list[float]:
        return [self.tokens, self.cost, self.calls]


def _register(cls: type[Any]) -> None:
    names = [field.name for field in fields(cls)]

    def write(value: Any) -> dict[str, Any]:
        return {name: getattr(value, name) for name in names}

    def read(form: Any) -> Any:
        return cls(**{name: form[name] for name in names if name in form})

    register_type(cls, write, read, name=f"agnt5:{cls.__name__}")


_register(Budget)
