"""AGNT5: durable functions, flows and objects for notebooks and scripts.

    from agnt5 import flow

    @flow
    async def hello(ctx, name):
        return await ctx.call(greet, name)

    run = hello.start("world")
    run.result()

Names are loaded when they are first used, so that importing the package stays quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agnt5.agent import Agent, Answer, Approval, Budget
    from agnt5.chat import Streamed
    from agnt5.codec import outline, outline_of, preview, register_type, visible
    from agnt5.config import Settings, configure, settings
    from agnt5.context import Context
    from agnt5.durable import ConstantBackoff, ExponentialBackoff, NoRetry, flow, function
    from agnt5.entry import Entry
    from agnt5.errors import (
        AGNT5Error,
        ConfigurationError,
        ContentRefused,
        ContextTooLong,
        DivergenceError,
        EventTimeoutError,
        FlowIOError,
        FlowSpinError,
        FlowStuckError,
        LLMError,
        MCPAuthError,
        MCPConnectionLost,
        MCPError,
        MCPTimeout,
        MCPUnavailable,
        ObjectDeadlock,
        ObjectReentered,
        OutputInvalid,
        ProviderAuthError,
        ProviderUnavailable,
        QuotaExceeded,
        RateLimited,
        RequestInvalid,
        RetriesExhausted,
        RunCancelled,
        RunClosed,
        RunConflict,
        RunError,
        RunFailed,
        RunNotFound,
        RunPaused,
        RuntimeUnavailableError,
        SerializationError,
        ServiceUnavailableError,
        StepError,
        StepTimeout,
        StoreCorrupt,
        StoreError,
        StoreFull,
        StoreHijacked,
        StoreLocked,
        StoreTooNew,
        TerminalError,
        ToolArgumentError,
        ToolError,
        ToolFailed,
    )
    from agnt5.execution.code import set_source_provider
    from agnt5.execution.current import current_context
    from agnt5.feed import Feed
    from agnt5.journal import Journal
    from agnt5.journalfile import load_journal
    from agnt5.listening import listen
    from agnt5.log import setup_logging
    from agnt5.mcp import mcp_tools
    from agnt5.registry import components
    from agnt5.replay.check import Report, check
    from agnt5.replay.diff import Diff
    from agnt5.replay.replay import Replay
    from agnt5.run import Run, get_object, get_run, prune, runs, send_event
    from agnt5.runlist import RunList
    from agnt5.runtime import Looking
    from agnt5.secret import Secret, mask
    from agnt5.task import Task
    from agnt5.tool import Tool, tool
    from agnt5.types import Status
    from agnt5.workflow import Step, Workflow

_rust_core_available: bool = find_spec("agnt5._core") is not None
"""Whether the compiled core is installed. Asking does not load it."""

__version__ = "0.1.0"

_HOMES: dict[str, str] = {
    **dict.fromkeys(("flow", "function", "ExponentialBackoff", "ConstantBackoff", "NoRetry"), "durable"),
    **dict.fromkeys(("configure", "settings", "Settings"), "config"),
    **dict.fromkeys(("Run", "runs", "get_run", "get_object", "send_event", "prune"), "run"),
    "Journal": "journal",
    "Feed": "feed",
    "listen": "listening",
    "Looking": "runtime",
    "Entry": "entry",
    "RunList": "runlist",
    **dict.fromkeys(("check", "Report"), "replay.check"),
    "Diff": "replay.diff",
    "Replay": "replay.replay",
    "components": "registry",
    "load_journal": "journalfile",
    **dict.fromkeys(
        (
            "AGNT5Error",
            "ConfigurationError",
            "ContentRefused",
            "ContextTooLong",
            "DivergenceError",
            "EventTimeoutError",
            "FlowIOError",
            "FlowSpinError",
            "FlowStuckError",
            "LLMError",
            "MCPAuthError",
            "MCPConnectionLost",
            "MCPError",
            "MCPTimeout",
            "MCPUnavailable",
            "ObjectDeadlock",
            "ObjectReentered",
            "OutputInvalid",
            "ProviderAuthError",
            "ProviderUnavailable",
            "QuotaExceeded",
            "RateLimited",
            "RequestInvalid",
            "RetriesExhausted",
            "RunCancelled",
            "RunClosed",
            "RunConflict",
            "RunError",
            "RunFailed",
            "RunNotFound",
            "RunPaused",
            "RuntimeUnavailableError",
            "SerializationError",
            "ServiceUnavailableError",
            "StepError",
            "StepTimeout",
            "StoreCorrupt",
            "StoreError",
            "StoreFull",
            "StoreHijacked",
            "StoreLocked",
            "StoreTooNew",
            "TerminalError",
            "ToolArgumentError",
            "ToolError",
            "ToolFailed",
        ),
        "errors",
    ),
    **dict.fromkeys(("Agent", "Answer", "Approval", "Budget"), "agent"),
    **dict.fromkeys(("Workflow", "Step"), "workflow"),
    "Context": "context",
    **dict.fromkeys(("Secret", "mask"), "secret"),
    "Status": "types",
    "Task": "task",
    "Tool": "tool",
    "tool": "tool",
    "mcp_tools": "mcp",
    "current_context": "execution.current",
    **dict.fromkeys(("outline", "outline_of", "preview", "register_type", "visible"), "codec"),
    "Streamed": "chat",
    "set_source_provider": "execution.code",
    "setup_logging": "log",
}

__all__ = [
    "AGNT5Error",
    "Agent",
    "Answer",
    "Approval",
    "Budget",
    "ConfigurationError",
    "ConstantBackoff",
    "ContentRefused",
    "Context",
    "ContextTooLong",
    "Diff",
    "DivergenceError",
    "Entry",
    "EventTimeoutError",
    "ExponentialBackoff",
    "Feed",
    "FlowIOError",
    "FlowSpinError",
    "FlowStuckError",
    "Journal",
    "LLMError",
    "Looking",
    "MCPAuthError",
    "MCPConnectionLost",
    "MCPError",
    "MCPTimeout",
    "MCPUnavailable",
    "NoRetry",
    "ObjectDeadlock",
    "ObjectReentered",
    "OutputInvalid",
    "ProviderAuthError",
    "ProviderUnavailable",
    "QuotaExceeded",
    "RateLimited",
    "Replay",
    "Report",
    "RequestInvalid",
    "RetriesExhausted",
    "Run",
    "RunCancelled",
    "RunClosed",
    "RunConflict",
    "RunError",
    "RunFailed",
    "RunList",
    "RunNotFound",
    "RunPaused",
    "RuntimeUnavailableError",
    "Secret",
    "SerializationError",
    "ServiceUnavailableError",
    "Settings",
    "Status",
    "Step",
    "StepError",
    "StepTimeout",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreHijacked",
    "StoreLocked",
    "StoreTooNew",
    "Streamed",
    "Task",
    "TerminalError",
    "Tool",
    "ToolArgumentError",
    "ToolError",
    "ToolFailed",
    "Workflow",
    "__version__",
    "check",
    "components",
    "configure",
    "current_context",
    "flow",
    "function",
    "get_object",
    "get_run",
    "listen",
    "load_journal",
    "mask",
    "mcp_tools",
    "outline",
    "outline_of",
    "preview",
    "prune",
    "register_type",
    "runs",
    "send_event",
    "set_source_provider",
    "settings",
    "setup_logging",
    "tool",
    "visible",
]

# The import system sets a submodule as an attribute of its package; these names must stay the decorators all the same.
_DECORATORS = frozenset({"flow", "function", "tool"})


class _Package(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        if name in _DECORATORS and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'agnt5' has no attribute {name!r}")
    found = getattr(import_module(f"agnt5.{home}"), name)
    globals()[name] = found
    return found


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext agnt5`: the same as `%load_ext agnt5_jupyter`."""
    import_module("agnt5_jupyter").load_ipython_extension(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext agnt5`."""
    import_module("agnt5_jupyter").unload_ipython_extension(shell)


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
