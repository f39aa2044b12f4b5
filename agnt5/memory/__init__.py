"""What agents remember beyond one run: working, episodic, semantic and procedural memory, in the store, by namespace.

    from agnt5.memory import Memory

    memory = Memory(namespace="ada")
    await memory.working.store("theme", "dark")
    await memory.episodic.remember("conversation", {"user": "How do I deploy?"})
    await memory.semantic.add("Ada deploys on Fridays")
    await memory.procedural.learn("deploy", ["build", "test", "push"])

Inside a run every operation is a recorded command: a replay answers from the journal and touches nothing. Memory is
shared world state like that of any step: a fork does not roll it back, and deleting runs does not touch it.
"""

from __future__ import annotations

from agnt5.memory.embedding import AUTO, LOCAL
from agnt5.memory.episodic import Episode, EpisodicMemory, EpisodicSnapshot
from agnt5.memory.group import Memory
from agnt5.memory.namespace import Shelf, namespaces
from agnt5.memory.procedural import ProceduralMemory, ProceduralSnapshot, Procedure
from agnt5.memory.semantic import Fact, SemanticMemory, SemanticSnapshot
from agnt5.memory.working import WorkingEntry, WorkingMemory, WorkingSnapshot

__all__ = [
    "AUTO",
    "LOCAL",
    "Episode",
    "EpisodicMemory",
    "EpisodicSnapshot",
    "Fact",
    "Memory",
    "ProceduralMemory",
    "ProceduralSnapshot",
    "Procedure",
    "SemanticMemory",
    "SemanticSnapshot",
    "Shelf",
    "WorkingEntry",
    "WorkingMemory",
    "WorkingSnapshot",
    "namespaces",
]
