"""All memory of one agent or user, under one namespace."""

from __future__ import annotations

from typing import TypeVar

from agnt5.errors import ConfigurationError
from agnt5.memory.episodic import EpisodicMemory
from agnt5.memory.namespace import DEFAULT, Namespaced, checked, inner
from agnt5.memory.procedural import ProceduralMemory
from agnt5.memory.semantic import SemanticMemory
from agnt5.memory.working import WorkingMemory

M = TypeVar("M", bound=Namespaced)


class Memory:
    """The four kinds of memory in `namespace`: `memory.working`, `.episodic`, `.semantic`, `.procedural`.

    Each may be given, to set it up otherwise; one that was given a namespace of its own keeps it. `within(name)` is the
    same memory, apart for one user or session.
    """

    working: WorkingMemory
    episodic: EpisodicMemory
    semantic: SemanticMemory
    procedural: ProceduralMemory

    def __init__(
        self,
        working: WorkingMemory | None = None,
        episodic: EpisodicMemory | None = None,
        semantic: SemanticMemory | None = None,
        procedural: ProceduralMemory | None = None,
        *,
        namespace: str | None = None,
    ) -> None:
        self._namespace = None if namespace is None else checked("A namespace", namespace)
        self.working = self._place(WorkingMemory, working)
        self.episodic = self._place(EpisodicMemory, episodic)
        self.semantic = self._place(SemanticMemory, semantic)
        self.procedural = self._place(ProceduralMemory, procedural)

    @property
    def namespace(self) -> str:
        return self._namespace or DEFAULT

    def within(self, name: str) -> Memory:
        """The same memory apart for somebody, like one user's: all four kinds in the namespace `name` within theirs."""
        return Memory(
            self.working.within(name),
            self.episodic.within(name),
            self.semantic.within(name),
            self.procedural.within(name),
            namespace=inner(self.namespace, name),
        )

    async def clear(self) -> int:
        """Forget everything of all four kinds, for good; says how much that was."""
        kinds = (self.working, self.episodic, self.semantic, self.procedural)
        return sum([await memory.clear() for memory in kinds])

    def _place(self, cls: type[M], given: M | None) -> M:
        if given is None:
            return cls(namespace=self._namespace)  # type: ignore[call-arg]
        if not isinstance(given, cls):
            raise ConfigurationError(f"{cls.kind}= of a Memory is a {cls.__name__}, not {given!r}.")
        return given if self._namespace is None else given.or_in(self._namespace)

    def __repr__(self) -> str:
        return f"<Memory {self.namespace!r}>"
