"""Which code a replay drives, and how its source and expressions are read.

Source found in a journal is compiled only on the caller's word. Expressions are evaluated on a replay that is thrown
away.
"""

from __future__ import annotations

import ast
import copy
import inspect
import json
import linecache
import textwrap
from collections.abc import Callable, Iterable
from types import CodeType, CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from agnt5 import registry
from agnt5.component import Component, component_of
from agnt5.entry import value_of
from agnt5.errors import ConfigurationError
from agnt5.execution.frames import Frame as Suspended
from agnt5.execution.frames import distance, frames, raising
from agnt5.modules import MAIN, find_module
from agnt5.replay.values import Shown
from agnt5.replay.view import leaves

if TYPE_CHECKING:
    from agnt5.execution.flowreplay import FlowReplay
    from agnt5.journal import Journal
    from agnt5.replay.view import Frame

RECORDED = "recorded"
_RAISE = object()
# Packages whose decorators only wrap what they decorate.
_HARMLESS = {"agnt5", "contextlib", "functools"}
_SETTINGS = ("retry_policy", "timeout", "at_most_once", "trace", "owner")


def choose(
    journal: Journal, code: Component[..., Any] | Callable[..., Any] | str | None, trust: bool
) -> tuple[Component[..., Any] | None, str]:
    """The component to drive, or None and why not."""
    if isinstance(code, str):
        if code != RECORDED:
            raise ConfigurationError(f'`code=` is a component or "{RECORDED}", not {code!r}.')
        return recorded(journal), ""
    if code is not None:
        component = component_of(code)
        if component is None:
            raise ConfigurationError(f"`code=` is a component, as @flow makes one, not {code!r}.")
        return component, ""
    if journal.loaded:
        if trust:
            return recorded(journal), ""
        return None, (
            "A loaded journal is only data, so its entries are stepped over and no code runs. Give `code=` a "
            "component, or `trust=True` to run the code that the journal brings."
        )
    component = registry.find(journal.component)
    if component is None:
        return None, (
            f"Nothing is called {journal.component!r} in this process, so no code runs. Define it, or replay the code "
            f'that was recorded: `code="{RECORDED}"`.'
        )
    return component, ""


def functions_in(record: bytes) -> list[dict[str, Any]]:
    """The functions and settings in what a run records of its code: see `agnt5.execution.code.CodeSnapshot`. What
    cannot be read is left out, for the record may be a stranger's."""
    return [one for one in _records(record) if _is_function(one)]


def constants_in(record: bytes) -> list[Constant]:
    """The constants in it. Runs of older versions recorded none."""
    found: list[Constant] = []
    for one in _records(record):
        name, module, text = one.get("name"), one.get("module"), one.get("value")
        if isinstance(name, str) and isinstance(module, str) and isinstance(text, str):
            found.append(Constant(name, module, text))
    return found


class Constant(NamedTuple):
    """A plain value of a global that the code read when it was recorded; `text` is the codec's JSON."""

    name: str
    module: str
    text: str

    @property
    def value(self) -> Any:
        """RawBytes when it cannot be read: the record may be a stranger's."""
        return value_of(self.text.encode("utf-8", "surrogatepass"), data_only=True)

    def __str__(self) -> str:
        """As source: a text of several lines as such, so that what was edited in it can be seen."""
        value = self.value
        if isinstance(value, str) and "\n" in value:
            return f'{self.name} = """\\\n{value}"""'
        return f"{self.name} = {value!r}"


def _records(record: bytes) -> list[dict[str, Any]]:
    try:
        found: Any = json.loads(record) if record else []
    except (ValueError, RecursionError):
        return []
    return [one for one in cast("list[Any]", found) if isinstance(one, dict)] if isinstance(found, list) else []


def _is_function(one: dict[str, Any]) -> bool:
    texts, line, source = (
        [one.get(name) for name in ("name", "module", "bytecode")],
        one.get("line"),
        one.get("source", 0),
    )
    return all(isinstance(text, str) for text in texts) and isinstance(line, int) and isinstance(source, str | None)


def sources(record: bytes, *, digests: bool = True) -> dict[str, str]:
    """Source by name of function out of what a run records of its code; where there is none, a digest of its bytecode,
    or "" without `digests`. By name alone: a file is `__main__` when it is run, and has a name when it is imported.
    What shares a name comes one after another, in the order in which the code reaches it."""
    return _by_name((one["name"], one["source"] or one["bytecode"] * digests) for one in functions_in(record))


def constant_texts(record: bytes) -> dict[str, str]:
    """Constants by name, as source."""
    return _by_name((one.name, str(one)) for one in constants_in(record))


def _by_name(texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in texts:
        found[name] = f"{found[name]}\n{text}" if name in found else text
    return found


def changed_names(old: bytes, new: bytes) -> set[str]:
    """Functions, settings and constants that are not the same in two records."""
    before, after = sources(old), sources(new)
    found = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    values, others = (_by_name((one.name, one.text) for one in constants_in(record)) for record in (old, new))
    if values and others:  # else one was recorded when constants were not
        found |= {name for name in values.keys() | others.keys() if values.get(name) != others.get(name)}
    return found


def recorded(journal: Journal, *, decorated: bool = True) -> Component[..., Any]:
    """The component as its source and constants were when the run was recorded, over the module that it came from as it
    is now.

    Without `decorated`, decorators of the user's and of libraries stay away: they may enter what they decorate
    somewhere.
    """
    started = journal.stored[0]
    functions = functions_in(started.code)
    if not functions or functions[0]["source"] is None:
        raise ConfigurationError(f"Run {journal.run_id} has no recorded source of {journal.component!r}.")
    if functions[0].get("settings"):
        raise ConfigurationError(
            f"{journal.component!r} is made of settings, which are recorded, and of objects, which are not: define it "
            f"here and give it as `code=`. What was recorded is in `run.diff(...).code`."
        )
    hidden = [one["name"] for one in functions if one.get("masked")]
    if hidden:
        raise ConfigurationError(
            f"The recorded source of {', '.join(hidden)} had a credential in it, which is kept out of journals, so it "
            f"cannot be run. Take the key from a Secret or the environment; this run goes on with the code of today."
        )
    home = functions[0]["module"]
    namespace = _home_of(journal.component, home)
    homes = _homes_of(functions, home, namespace)
    for one in constants_in(started.code):
        if one.module in homes or one.name not in namespace:
            homes.get(one.module, namespace)[one.name] = one.value
    try:
        with registry.apart():
            # What the body calls comes after it in the record, and must be there when the body's decorators run.
            for function in reversed(functions):
                if function["source"] is not None and not function.get("settings"):
                    _replace(function, homes, lambda one, into: _define(one, journal.run_id, into, decorated))
    except Exception as error:
        raise ConfigurationError(
            f"The recorded source of {journal.component!r} cannot be run here: {type(error).__name__}: {error}. It "
            f"runs over the module that it came from, {home!r}: import that first."
        ) from error
    name = functions[0]["name"].rpartition(".")[2]
    found = namespace.get(name)
    component = component_of(found)
    if component is None and callable(found):
        # It was made a component elsewhere, with settings that only the component of today still knows.
        today = registry.find(journal.component)
        settings = {key: getattr(today, key) for key in _SETTINGS} if today is not None else {}
        component = Component(found, kind=started.component_kind, name=journal.component, **settings)
    if component is None:
        raise ConfigurationError(f"The recorded source of {journal.component!r} makes no component called {name!r}.")
    return component


def _home_of(name: str, module: str) -> dict[str, Any]:
    """A copy of the names that recorded source is run over: those around the component of today, or its module's. When
    there is neither, our own public ones, which is all that many a cell needs."""
    component = registry.find(name)
    if component is not None:
        return dict(inspect.unwrap(component.fn).__globals__)
    home = find_module(module)
    if home is not None and module != MAIN:
        return dict(vars(home))
    import agnt5

    return {"__name__": module, "agnt5": agnt5, **{public: getattr(agnt5, public) for public in agnt5.__all__}}


def _homes_of(functions: list[dict[str, Any]], home: str, namespace: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Names that the functions of each module are run over: a function of another module reads its own imports, and may
    be called as one here is."""
    homes = {home: namespace}
    for module in dict.fromkeys(one["module"] for one in functions if not one.get("settings")):
        found = find_module(module) if module not in homes and module != MAIN else None
        homes.setdefault(module, namespace if found is None else dict(vars(found)))
    return homes


def _replace(
    function: dict[str, Any],
    homes: dict[str, dict[str, Any]],
    define: Callable[[dict[str, Any], dict[str, Any]], None],
) -> None:
    """Define a function where it belongs, and put it in the place of today's wherever that was imported to."""
    namespace, name = homes[function["module"]], function["name"]
    today = namespace.get(name)
    define(function, namespace)
    if not callable(today) or name not in namespace:  # it is not there today, or was made inside of another
        return
    for names in homes.values():
        for called, value in names.items():
            if value is today:
                names[called] = namespace[name]


def _define(function: dict[str, Any], run_id: str, namespace: dict[str, Any], decorated: bool) -> None:
    text = textwrap.dedent(function["source"])
    filename = f"<{function['name']} as recorded in {run_id}>"
    first = max(int(function["line"]), 1)
    tree = ast.increment_lineno(ast.parse(text), first - 1)
    if not decorated:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                node.decorator_list = [one for one in node.decorator_list if _is_harmless(one, namespace)]
    lines = ["\n"] * (first - 1) + text.splitlines(keepends=True)
    linecache.cache[filename] = (len(text), None, lines, filename)
    exec(compile(tree, filename, "exec"), namespace)


def _is_harmless(decorator: ast.expr, namespace: dict[str, Any]) -> bool:
    """Whether a decorator comes from this package or one of Python's that only wrap; nothing is called to find out."""
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    found = namespace.get(node.id) if isinstance(node, ast.Name) else None
    for name in reversed(names):
        found = inspect.getattr_static(found, name, None)
    return (getattr(found, "__module__", None) or "").partition(".")[0] in _HARMLESS


def marked(frame: Frame) -> str:
    """The source of a frame's function with its current line marked; the line alone when there is no source."""
    lines = linecache.getlines(frame.file)[frame.first - 1 :]
    try:
        block = inspect.getblock(lines)
    except (IndentationError, SyntaxError):
        block = []
    if not block or not 0 <= frame.line - frame.first < len(block):
        return f"→ {frame.line:>4} {frame.code or '(no source)'}"
    text = textwrap.dedent("".join(block)).splitlines()
    return "\n".join(
        f"{'→' if number == frame.line else ' '} {number:>4} {line}" for number, line in enumerate(text, frame.first)
    )


class Names(dict[str, Any]):
    """Names that an expression may use: those of a stack of frames, the innermost first. One namespace for all, so that
    comprehensions and lambdas in it see them too."""

    def __init__(self, chain: list[Suspended]) -> None:
        super().__init__()
        self._globals = [frame.frame.f_globals for frame in chain]
        for frame in reversed(chain):
            self.update(frame.frame.f_locals)

    def __missing__(self, name: str) -> Any:
        for namespace in self._globals:
            try:
                return namespace[name]  # not `get`: a pinned namespace looks further
            except KeyError:
                continue
        raise KeyError(name)


def snapshot(replay: FlowReplay, expression: CodeType, *, missing: Any = _RAISE) -> Any:
    """The value of an expression where the code stands: a copy, for the flow goes on changing what it holds, and its
    clean-up code will. The value itself, or its text with `missing`, when it cannot be copied.

    `missing`: what it is where its names do not exist; default: NameError.
    """
    value = evaluate(replay, expression, missing=missing)
    if value is missing:
        return value
    if isinstance(value, CoroutineType):
        value.close()
        raise ConfigurationError("This expression is a coroutine, and nothing is awaited or executed in a replay.")
    try:
        return copy.deepcopy(value)
    except Exception:  # a copy may fail in any way
        return value if missing is _RAISE else Shown().text(value)


def compiled(expression: str) -> CodeType:
    return compile(expression, "<expression>", "eval")


def evaluate(replay: FlowReplay, expression: CodeType, *, missing: Any = _RAISE) -> Any:
    """The value of an expression where the code stands, with the names of the frames around it and of the flow's own
    body."""
    names = Names(_stack(replay))
    if not names and missing is _RAISE and replay.returned:
        raise ConfigurationError("The code has ended here; there is no frame to evaluate an expression in.")
    try:
        return eval(expression, names, names)
    except NameError:
        if missing is not _RAISE:
            return missing
        raise


def _stack(replay: FlowReplay) -> list[Suspended]:
    """The user's frames where the code stands, the innermost first; then those of the flow's own body."""
    if replay.failure is not None:
        chains = [raising(error) for error in reversed(leaves(replay.failure))]
    else:
        tasks = [task for task in (replay.woken, *replay.tasks()[:1]) if task is not None and not task.done()]
        chains = [frames(task) for task in dict.fromkeys(tasks)]
    return [frame for chain in chains for frame in reversed(chain) if distance(frame.filename) != 2]
