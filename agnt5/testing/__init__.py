"""Tools for testing components: a context without a store, models and agents that follow a script, and replays of
recorded runs.

Nothing here touches the user's own store; the pytest plugin (`agnt5.testing.plugin`) gives each test a fresh one.
"""

from __future__ import annotations

from agnt5.llm import ScriptedLLM
from agnt5.testing.loading import load_app
from agnt5.testing.mockagent import MockAgent
from agnt5.testing.mockcontext import ContinuedAs, MockContext, RecordedCall
from agnt5.testing.replays import assert_replays
from agnt5.testing.writing import WrittenTest, write_test

__all__ = [
    "ContinuedAs",
    "MockAgent",
    "MockContext",
    "RecordedCall",
    "ScriptedLLM",
    "WrittenTest",
    "assert_replays",
    "load_app",
    "write_test",
]
