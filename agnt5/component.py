"""What the decorators make: a function, flow or method with a name, ready to be run durably.

Calling a component runs its body with the context given, nothing more; `start`, `run` and `run_sync` make runs.
A component holds settings and code. It must never hold anything of a run.
"""

from __future__ import annotations

import functools
import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, ParamSpec, Self, TypeVar, cast

from agnt5.errors import ConfigurationError

if TYPE_CHECKING:
    from agnt5.retry import RetryPolicy
    from agnt5.run import Run

P = ParamSpec("P")
R = TypeVar("R")

FUNCTION = 1
FLOW = 2
OBJECT = 3

KIND_NAMES = {FUNCTION: "function", FLOW: "flow", OBJECT: "method"}


class Parts(NamedTuple):
    """What a Composite is, for records and copies of code. `text`: its settings as a person edits them, "" when there
    is nothing to tell; `code`: the functions, components and composites that it calls, in an order of its own."""

    name: str
    text: str
    code: tuple[Any, ...]


class Composite(ABC):
    """Something made of settings and other code in place of a body of its own: an agent, a workflow, a tool.

    A run keeps its version: a copy that holds copies of what it calls. A copy is made before what it calls, because
    that may refer back to it.
    """

    @property
    @abstractmethod
    def __agnt5_component__(self) -> Component[..., Any]:
        """What runs when this is called in a run."""

    @abstractmethod
    def __agnt5_parts__(self) -> Parts:
        """What it is made of, now."""

    @abstractmethod
    def __agnt5_copy__(self) -> Self:
        """A copy with a component of its own, in no registry."""

    def __agnt5_version_of__(self, component: Component[..., Any]) -> Component[..., Any]:
        """The component of this copy that stands for `component` of what it was copied from."""
        return self.__agnt5_component__

    @abstractmethod
    def __agnt5_take__(self, code: tuple[Any, ...]) -> None:
        """Call these from now on: other versions of `__agnt5_parts__().code`, in the same order."""


class Component(Generic[P, R]):
    """A registered body. `kind` is FUNCTION, FLOW or OBJECT (a method); `timeout` is in seconds. `whole`: the agent or
    workflow whose component it is. `trace` and `metrics` ask for reports of its runs."""

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        kind: int,
        name: str,
        retry_policy: RetryPolicy | None = None,
        timeout: float | None = None,
        at_most_once: bool = False,
        trace: bool = False,
        metrics: bool = False,
        owner: ObjectType | None = None,
        whole: Composite | None = None,
    ) -> None:
        functools.update_wrapper(self, fn, updated=())
        self.fn: Callable[P, R] = fn
        self.kind = kind
        self.name = name
        self.retry_policy = retry_policy
        self.timeout = timeout
        self.at_most_once = at_most_once
        self.trace = trace
        self.metrics = metrics
        self.owner = owner
        self.whole = whole
        self.module: str = getattr(fn, "__module__", None) or "__main__"
        self.is_async = is_async(fn)
        self.wants_context = wants_context(fn, method=owner is not None)

    @property
    def __agnt5_component__(self) -> Component[..., Any]:
        """What runs when this is called in a run: itself, or the flow that a tool stands for."""
        return self

    @property
    def namespace(self) -> Mapping[str, Any]:
        """The globals of the user's code behind it, where classes of recorded values are looked for first."""
        if self.whole is None:
            return getattr(self.fn, "__globals__", {})
        home = sys.modules.get(self.module)
        return {} if home is None else vars(home)

    @property
    def kind_name(self) -> str:
        """function, flow or method."""
        return KIND_NAMES[self.kind]

    @property
    def version(self) -> str:
        """A digest (hex) that changes when its source does, or that of what it reaches in its notebook or package."""
        from agnt5.execution.code import snapshot

        return snapshot(self).digest.hex()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.fn(*args, **kwargs)

    def start(self, *args: Any, run_id: str | None = None, tags: dict[str, str] | None = None, **kwargs: Any) -> Run:
        """Begin a durable run on the current runtime and return at once.

        The same `run_id` again gives the same run; RunConflict if that id belongs to another component or input.
        Inside a run this is a recorded command and the new run's id is derived, so `run_id` is refused there.
        """
        from agnt5.run import start

        return start(self.__agnt5_component__, args, kwargs, run_id=run_id, tags=tags)

    def run(self, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Start and wait. Inside a run: what `ctx.call` of this component does."""
        from agnt5.run import run

        return run(self.__agnt5_component__, args, kwargs)

    def run_sync(self, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """Start and block the calling thread; safe inside a running event loop. Not allowed inside a run."""
        from agnt5.run import refuse_inside

        refuse_inside("run_sync")
        return self.start(*args, **kwargs).result(timeout)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        # A component defined in a class body binds as a function does.
        return self if instance is None else functools.partial(cast("Callable[..., Any]", self), instance)

    def __repr__(self) -> str:
        return f"<{self.kind_name} {self.name}>"


class ObjectType:
    """A class whose attributes persist per key. `methods` maps names to components called `Class.method`."""

    __slots__ = ("cls", "methods", "module", "name")

    def __init__(self, cls: type, name: str) -> None:
        self.cls = cls
        self.name = name
        self.module: str = cls.__module__
        self.methods: dict[str, Component[..., Any]] = {}
        for attribute in dir(cls):
            member = inspect.getattr_static(cls, attribute)
            if not attribute.startswith("_") and inspect.isfunction(member):
                self.methods[attribute] = Component(member, kind=OBJECT, name=f"{name}.{attribute}", owner=self)

    def method(self, name: str) -> Component[..., Any]:
        found = self.methods.get(name)
        if found is None:
            known = ", ".join(sorted(self.methods)) or "none"
            raise AttributeError(
                f"{self.name} has no method {name!r} that can be called from outside (it has: {known}). Attributes of "
                f"a durable object are reached through its methods: write one that returns or sets {name!r}."
            )
        return found

    def target(self, key: str) -> str:
        """How the engine names the object with this key."""
        if "\n" in key:
            raise ConfigurationError(f"The key of a {self.name} must be one line, not {key!r}.")
        return f"{self.name}\n{key}"


def object_type(found: type | str) -> ObjectType:
    """The object type of a class made by `@object`, or of its name. ConfigurationError when there is none."""
    if isinstance(found, str):
        from agnt5 import registry

        by_name = registry.find_object(found)
        if by_name is None:
            raise ConfigurationError(f"No object class is called {found!r} in this process. Decorate it with @object.")
        return by_name
    known = found.__dict__.get("__agnt5_object__")
    if known is None:
        raise ConfigurationError(f"{found.__qualname__} is not a durable object: decorate the class with @object.")
    return known


def component_of(target: Any) -> Component[..., Any] | None:
    """The component behind a call target; agents and workflows name theirs in `__agnt5_component__`."""
    if isinstance(target, type):  # an agent's class is no agent
        return None
    found: Component[..., Any] | None = getattr(target, "__agnt5_component__", None)
    return found


def settings_text(head: str, settings: Mapping[str, Any]) -> str:
    """Settings for `Parts`: one line each, texts of several lines indented, None and "" left out."""
    lines = [head]
    for name, value in settings.items():
        if value is None or value == "":
            continue
        text = str(value)
        lines += [f"{name}:", *(f"    {line}" for line in text.splitlines())] if "\n" in text else [f"{name}: {text}"]
    return "\n".join(lines)


def caller_module() -> str:
    """The module whose code is at work: the first outside of this package. For components that have no function of
    their user's to tell it."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "agnt5":
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "__main__"))


def is_async(fn: Callable[..., Any]) -> bool:
    if inspect.iscoroutinefunction(fn):
        return True
    return not inspect.isroutine(fn) and inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004


def wants_context(fn: Callable[..., Any], *, method: bool = False) -> bool:
    """Whether the first parameter (of a method: the second) is called `ctx` or annotated `Context`."""
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        return False
    if method:
        parameters = parameters[1:]
    if not parameters or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        return False
    first = parameters[0]
    if first.name == "ctx":
        return True
    annotation = first.annotation
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2] == "Context"
    if not isinstance(annotation, type) or annotation is inspect.Parameter.empty:
        return False
    from agnt5.context import Context

    return issubclass(annotation, Context)
