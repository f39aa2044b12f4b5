"""What runs record of their code, and how source and expressions are read where a replay stands.

Nothing in a record is compiled here. Expressions are evaluated on a replay that is thrown away.
"""

from __future__ import annotations

import copy
import inspect
import json
import linecache
import textwrap
from collections.abc import Iterable
from types import CodeType, CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from agnt5.entry import value_of
from agnt5.errors import ConfigurationError
from agnt5.execution.frames import Frame as Suspended
from agnt5.execution.frames import distance, frames, raising
from agnt5.replay.values import Shown
from agnt5.replay.view import leaves

if TYPE_CHECKING:
    from agnt5.execution.flowreplay import FlowReplay
    from agnt5.replay.view import Frame

_RAISE = object()


def functions_in(record: bytes) -> list[dict[str, Any]]:
    """The functions, classes and settings in what a run records of its code: see `agnt5.execution.code.CodeSnapshot`.
    What cannot be read is left out, for the record may be a stranger's."""
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
    """Functions, classes, settings and constants that are not the same in two records."""
    before, after = sources(old), sources(new)
    found = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    # One of them may be from when classes were not recorded. What begins to use a class is another function then.
    found -= (_classes_in(old) | _classes_in(new)) - (before.keys() & after.keys())
    values, others = (_by_name((one.name, one.text) for one in constants_in(record)) for record in (old, new))
    if values and others:  # else one was recorded when constants were not
        found |= {name for name in values.keys() | others.keys() if values.get(name) != others.get(name)}
    return found


def _classes_in(record: bytes) -> set[str]:
    return {one["name"] for one in functions_in(record) if one.get("class")}


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
