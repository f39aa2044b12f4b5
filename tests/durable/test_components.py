"""What is said of the components of a process: their kinds, and when their code changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import agnt5
from agnt5 import Context, flow, function
from agnt5.durable import object


def test_components_lists_them_with_their_kinds() -> None:
    @flow
    async def listed_flow(ctx: Context) -> None: ...

    @function
    def listed_function() -> None: ...

    @object
    class Listed:
        def method(self) -> None: ...

    kinds = {one.name: one.kind_name for one in agnt5.components()}
    assert kinds["listed_flow"] == "flow"
    assert kinds["listed_function"] == "function"
    assert kinds["Listed.method"] == "method"


def test_a_version_follows_the_code_and_what_it_reaches() -> None:
    def helper() -> int:
        return 1

    def defined(helper: Callable[[], int]) -> Any:
        @flow(name="versioned")
        async def versioned(ctx: Context) -> int:
            return helper()

        return versioned

    first = defined(helper).version
    assert first == defined(helper).version

    def other() -> int:
        return 2

    assert defined(other).version != first


def test_a_source_provider_is_asked_first() -> None:
    @flow
    async def provided(ctx: Context) -> int:
        return 1

    before = provided.version
    agnt5.set_source_provider(lambda function: "somewhere else" if function is provided.fn else None)
    try:
        assert provided.version != before
        run = provided.start()
        assert b"somewhere else" in run.journal.stored[0].code
    finally:
        agnt5.set_source_provider(None)
    assert provided.version == before
