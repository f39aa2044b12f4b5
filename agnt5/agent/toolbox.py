"""The tools of one agent while it runs: what the model is told of them, and what becomes of a call.

Whatever a tool raises goes back to the model as a recorded result. Nothing here may call a tool but through the run's
context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from agnt5.agent.approval import Decision, decision_of, event_name
from agnt5.agent.rendering import as_json, error_text, rendered, text_of
from agnt5.agent.stream import Update
from agnt5.errors import ConfigurationError, ToolArgumentError
from agnt5.llm.types import Message, Text, ToolCall, ToolSpec
from agnt5.tool import Tool

if TYPE_CHECKING:
    from agnt5.context import Context

HumanInLoop = bool | Callable[[str, dict[str, Any]], bool]


class Toolbox:
    """Tools by name. `asks`: which calls wait for a person."""

    __slots__ = ("_asks", "_tools", "owner")

    def __init__(self, owner: str, tools: Iterable[Tool[..., Any]], asks: HumanInLoop) -> None:
        self.owner = owner
        self._tools: dict[str, Tool[..., Any]] = {}
        self._asks = asks
        for tool in tools:
            if tool.name in self._tools:
                raise ConfigurationError(
                    f"The agent {owner!r} has two tools called {tool.name!r}; give one another name."
                )
            self._tools[tool.name] = tool

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._tools.values())

    def __iter__(self) -> Iterator[Tool[..., Any]]:
        return iter(self._tools.values())

    async def call(self, ctx: Context, call: ToolCall, number: int) -> Message:
        """Carry out one call that the model asked for, after a person's word where one is needed. Never raises what a
        tool raises. `number` is the question's, counted within the run."""
        ctx.emit(Update("tool_call", call.name, call, self.owner))
        content, failed = await self._result(ctx, call, number)
        ctx.emit(Update("tool_result", text_of(content), call, self.owner))
        return Message("tool", content, tool_call_id=call.id, name=call.name, failed=failed)

    async def _result(self, ctx: Context, call: ToolCall, number: int) -> tuple[Any, bool]:
        tool = self._tools.get(call.name)
        if tool is None:
            known = ", ".join(self._tools) or "none"
            return f"There is no tool {call.name!r}. There are: {known}.", True
        if call.malformed:
            return f"The arguments are no JSON object: {call.malformed[:2000]}", True
        try:
            values = tool.validate(call.arguments)
        except ToolArgumentError as error:
            return str(error), True
        edited = ""
        if self._needs_approval(tool, call.arguments):
            decision, values = await self._ask(ctx, tool, call, values, number)
            if not decision.approved:
                return f"A person refused this call{f': {decision.reason}' if decision.reason else '.'}", True
            if decision.arguments is not None:
                edited = f"A person changed the arguments to {as_json(decision.arguments)}. Result: "
        try:
            given = await tool.carry_out(ctx, values)
        except Exception as error:
            return error_text(error), True
        found = rendered(given)
        if isinstance(found, str):
            return edited + found, False
        return (Text(edited), *found) if edited else found, False

    def _needs_approval(self, tool: Tool[..., Any], arguments: dict[str, Any]) -> bool:
        if tool.requires_approval:
            return True
        return self._asks(tool.name, arguments) if callable(self._asks) else self._asks

    async def _ask(
        self, ctx: Context, tool: Tool[..., Any], call: ToolCall, values: dict[str, Any], number: int
    ) -> tuple[Decision, dict[str, Any]]:
        about = {"agent": self.owner, "tool": tool.name, "arguments": call.arguments}
        name = event_name(ctx.run_id, number)
        ctx.emit(Update("approval", name, about, self.owner))
        while True:
            decision = decision_of(await ctx.wait_for_event(name, about=about))
            if decision is None:
                ctx.logger.warning("%s: an event that is neither an approval nor a refusal; still waiting", name)
                continue
            if decision.arguments is None or not decision.approved:
                return decision, values
            try:
                return decision, tool.validate(decision.arguments)
            except ToolArgumentError as error:
                ctx.logger.warning("%s: the edited arguments do not fit: %s; still waiting", name, error)
