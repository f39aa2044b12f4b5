"""Every error AGNT5 raises, in one tree. Each message says what happened, to what, and what to do next.

    AGNT5Error
      ConfigurationError
      RunError              RunFailed, RunCancelled, RunNotFound, RunClosed, RunConflict, RunPaused
        QuotaExceeded       a limit on children, depth or payload
      StepError             RetriesExhausted, StepTimeout, TerminalError, FlowIOError, FlowSpinError,
                            FlowStuckError
        ObjectDeadlock      the youngest of a cycle of object calls
        ObjectReentered     an object call that came back to its own key
      DivergenceError
      EventTimeoutError     (also TimeoutError)
      SerializationError    (also TypeError)
      StoreError            StoreLocked, StoreFull, StoreCorrupt, StoreHijacked, StoreTooNew
      RuntimeUnavailableError  (also ConnectionError)
      ServiceUnavailableError
      LLMError              ProviderAuthError, RateLimited, ContextTooLong, ContentRefused, ProviderUnavailable,
                            RequestInvalid
        OutputInvalid       (also ValueError) an answer that breaks the format it was asked for
      ToolError             ToolFailed, ToolArgumentError (also ValueError)
        MCPError            MCPUnavailable (also ConnectionError), MCPConnectionLost, MCPAuthError,
                            MCPTimeout (also TimeoutError)
      ExportError

A class must stay constructible from its message alone: the core and the codec build errors that way and set the other
attributes afterwards. All of them can be pickled.
"""

from __future__ import annotations

from typing import Any


class AGNT5Error(Exception):
    """The root. Keyword arguments become attributes; only those that the class declares are taken."""

    def __init__(self, *args: object, **fields: Any) -> None:
        super().__init__(*args)
        for name, value in fields.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no field {name!r}")
            setattr(self, name, value)


class ConfigurationError(AGNT5Error):
    """A setting, name or argument that cannot work, found before anything ran."""


class RunError(AGNT5Error):
    """Something about a run as a whole."""

    run_id: str = ""


class RunFailed(RunError):
    """The run ended with an error that its code did not catch."""

    cause_type: str = ""
    """Name of the error's class, `module:qualname`."""
    cause_message: str = ""
    traceback_text: str = ""
    """Where the error was raised, as text; "" when it was not recorded."""


class RunCancelled(RunError):
    """The run was cancelled before it ended by itself."""


class RunNotFound(RunError):
    """No run with this id is in the store."""


class RunClosed(RunError):
    """The run has ended and takes no more commands or events."""


class RunConflict(RunError):
    """The id belongs to another run: another component, another input, or one that has not ended."""


class RunPaused(RunError):
    """The run waits for a person's decision."""

    reason: str = ""


class QuotaExceeded(RunError):
    """A limit of the engine: children of a run, depth of runs, size of a payload."""

    limit: int = 0


class StepError(AGNT5Error):
    """A step could not be carried out."""

    step: str = ""
    """Path or name of the step."""
    attempts: int = 1
    """How often its code was tried, this try included."""


class RetriesExhausted(StepError):
    """Stands in for the error of a step whose own class cannot be rebuilt here."""

    cause_type: str = ""
    """Name of the error's class, `module:qualname`."""
    cause_message: str = ""
    traceback_text: str = ""


class StepTimeout(StepError):
    """The body took longer than its `timeout=` (durable waits not counted)."""

    seconds: float = 0.0


class TerminalError(StepError):
    """Raise it to stop retrying at once."""


class FlowIOError(StepError):
    """A flow body tried to touch the world itself."""

    location: str = ""
    """`file:line` of the offending line."""


class FlowSpinError(StepError):
    """A flow body computed for too long without asking for anything."""

    location: str = ""
    """`file:line` where it was stopped."""


class FlowStuckError(StepError):
    """A flow body waits for what nothing can bring: no operation is under way that could wake it."""

    location: str = ""
    """`file:line` where it waits."""


class ObjectDeadlock(StepError):
    """This object call would have waited for itself through others; the youngest call of the cycle fails."""


class ObjectReentered(StepError):
    """An object's method called back, directly or through others, into the same key."""


class DivergenceError(AGNT5Error):
    """The code asked for something else than the journal recorded. Nothing was written."""

    seq: int = -1
    """Position of the recorded command."""
    path: str = ""
    expected: str = ""
    """What the journal holds."""
    actual: str = ""
    """What the code asked for; "" when it returned instead."""
    differs: str = ""
    """What differs in the arguments of two calls that are otherwise the same; "" when that is seen at a glance."""
    location: str = ""
    """`file:line` in the code; "" when no line of the user's is meant."""


class EventTimeoutError(AGNT5Error, TimeoutError):
    """No event of this name arrived in time."""

    event: str = ""
    seconds: float = 0.0


class SerializationError(AGNT5Error, TypeError):
    """A value that cannot be recorded exactly, or recorded bytes that cannot be read."""

    path: str = ""
    """Where in the value, like `input.items[3].conn`."""


class StoreError(AGNT5Error):
    """The store refused or failed."""

    directory: str = ""


class StoreLocked(StoreError):
    """Another process owns the store."""

    pid: int | None = None
    """The owner, when it could be told."""


class StoreFull(StoreError):
    """No room on the disk. The store works again when there is."""

    bytes_needed: int = 0


class StoreCorrupt(StoreError):
    """The file is damaged; it can still be read as far as it goes."""


class StoreHijacked(StoreError):
    """Somebody else changed the files under this owner; nothing is acknowledged any more."""


class StoreTooNew(StoreError):
    """A later version of AGNT5 wrote this store."""

    version: int = 0


class RuntimeUnavailableError(AGNT5Error, ConnectionError):
    """The runtime cannot be reached, or the compiled core is missing."""

    endpoint: str = ""


class ServiceUnavailableError(AGNT5Error):
    """Nobody serves the component that was called."""

    service: str = ""


class LLMError(AGNT5Error):
    """A model provider answered with an error, or not at all."""

    provider: str = ""
    model: str = ""
    status: int = 0
    """HTTP status, 0 when there was none."""
    possibly_billed: bool = False
    """The request had left, so the provider may have done the work and ask money for it."""


class ProviderAuthError(LLMError):
    """Missing or refused credentials."""


class RateLimited(LLMError):
    """Too many requests or tokens."""

    retry_after: float | None = None
    """Seconds, when the provider said."""


class ContextTooLong(LLMError):
    """The conversation does not fit the model's window."""


class ContentRefused(LLMError):
    """The provider declined to answer."""


class RequestInvalid(LLMError):
    """The provider did not take the request: no such model, or a parameter or address that is wrong. It never will."""


class ProviderUnavailable(LLMError):
    """The provider is overloaded, down, unreachable or too slow."""

    retry_after: float | None = None
    """Seconds, when the provider said."""


class OutputInvalid(LLMError, ValueError):
    """A model's answer does not fit the format it was asked for. The message says what is wrong with it."""

    text: str = ""
    """What the model wrote."""


class ToolError(AGNT5Error):
    """A tool could not do its work."""

    tool: str = ""
    """Name of the tool."""


class ToolArgumentError(ToolError, ValueError):
    """The arguments do not fit the tool's parameters, so it was not called. The message is written for a model."""

    fields: tuple[str, ...] = ()
    """Names of the arguments that are wrong or missing."""


class ToolFailed(ToolError):
    """The tool itself answered that it failed; the message is its answer, for the model."""


class MCPError(ToolError):
    """A server of the Model Context Protocol could not be used."""

    server: str = ""
    """Its command or address, without credentials."""


class MCPUnavailable(MCPError, ConnectionError):
    """The server could not be started or reached. Nothing was asked of the tool."""


class MCPConnectionLost(MCPError, ConnectionError):
    """The server went away before it answered. The tool may have done its work."""


class MCPAuthError(MCPError):
    """The server refused the credentials, or asks for some."""


class MCPTimeout(MCPError, TimeoutError):
    """The server did not answer in time. The tool may have done its work."""

    seconds: float = 0.0


class ExportError(AGNT5Error):
    """What was asked for cannot be exported."""
