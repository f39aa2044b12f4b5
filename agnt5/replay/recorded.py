"""Which code a replay drives: that of today, or what the run recorded, made anew on the caller's word.

What is made stays apart: it replaces nothing in the modules of today, and nobody else finds it.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from agnt5 import registry, secret
from agnt5.codec import encode
from agnt5.component import Component, component_of
from agnt5.errors import ConfigurationError, SerializationError
from agnt5.execution.classsource import text_of_class
from agnt5.execution.code import source_of
from agnt5.execution.reach import body_of, names_reached
from agnt5.modules import MAIN, find_module
from agnt5.replay.source import Constant, constants_in, functions_in

if TYPE_CHECKING:
    from agnt5.journal import Journal

RECORDED = "recorded"
# Packages whose decorators only wrap what they decorate.
_HARMLESS = {"agnt5", "contextlib", "dataclasses", "functools"}
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
    home = functions[0]["module"]
    namespace = _home_of(journal.component, home)
    homes = _homes_of(functions, home, namespace)
    values = constants_in(started.code)
    defined = _to_define(functions, values, homes)
    hidden = [one["name"] for one in defined if one.get("masked")]
    if hidden:
        raise ConfigurationError(
            f"The recorded source of {', '.join(hidden)} had a credential in it, which is kept out of journals, so it "
            f"cannot be run. Take the key from a Secret or the environment; this run goes on with the code of today."
        )
    for one in values:
        if one.module in homes or one.name not in namespace:
            homes.get(one.module, namespace)[one.name] = one.value
    try:
        with registry.apart():
            # What the body calls comes after it in the record, and must be there when the body's decorators run.
            for function in reversed(defined):
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


def _to_define(
    functions: list[dict[str, Any]], constants: list[Constant], homes: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Without settings, what has no source, and classes that would be the same today, with all that they reach:
    instances made elsewhere stay theirs."""
    found = [one for one in functions if one["source"] is not None and not one.get("settings")]
    today = {id(one): homes[one["module"]].get(one["name"]) for one in found}
    changed = {one["name"] for one in found if not _is_same(one, today[id(one)])}
    changed |= {one.name for one in constants if one.text != _text_of(homes.get(one.module, {}).get(one.name))}

    def is_another(one: dict[str, Any]) -> bool:
        cls = today[id(one)]
        if isinstance(cls, type):
            return not changed.isdisjoint({one["name"], *names_reached(cls)})
        return "." not in one["name"]  # else what it stands in makes it

    return [one for one in found if not one.get("class") or is_another(one)]


def _text_of(value: Any) -> str:
    with suppress(SerializationError):
        return encode(value).decode()
    return ""


def _is_same(record: dict[str, Any], today: Any) -> bool:
    """Whether a function or class is today what it was. What stands in another one is told by that one's text."""
    if today is None:
        return "." in record["name"]
    function = body_of(today)
    text = text_of_class(today).text if isinstance(today, type) else function and source_of(function)
    return text is not None and secret.mask(text) == record["source"]


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
