"""Constants: plain values among the globals that a component's code reads, such as prompts and names of models.

They belong to a code version as its source does. Only what cannot change in place counts, so that looking at the names
again tells whether they are still the same; lists and tables are state as often as not.
"""

from __future__ import annotations

import ast
import os
import re
import textwrap
from typing import Any

from agnt5 import secret
from agnt5.codec import encode
from agnt5.execution.reach import Reach
from agnt5.modules import recorded_name

# Encoded bytes of one value, and of all of a component: larger ones are data.
_MOST = 16_384
_ALL = 65_536
# Names under which credentials are kept, and addresses, which may hold one.
_PRIVATE = re.compile(r"key|token|secret|passw|pwd|credential|auth|dsn|cookie|private|url", re.I)
# What is shorter is no credential: "1", "en", "utf-8".
_SHORT = 6


def constants(reach: Reach) -> list[dict[str, Any]]:
    """What a run records of them: `name`, `module` and `value`, the codec's JSON; none that may be a credential."""
    found: list[dict[str, Any]] = []
    left = _ALL
    for namespace, name, value in reach.data():
        if name.startswith("__") or not _is_constant(value) or _may_be_private(name, value):
            continue
        text = encode(value).decode()
        if len(text) > min(_MOST, left) or secret.mask(text) != text:
            continue
        left -= len(text)
        module = str(namespace.get("__name__") or "")
        found.append({"name": name, "module": recorded_name(module), "value": text})
    return found


def _may_be_private(name: str, value: Any) -> bool:
    """Whether somebody may mean to keep it to this process, though nothing in the text itself tells: by its name, or
    because it came from the environment."""
    if type(value) is tuple:
        return any(_may_be_private(name, one) for one in value)
    if type(value) not in (str, bytes):
        return False
    return _PRIVATE.search(name) is not None or (len(value) >= _SHORT and value in _environment())


def holds_private(text: str) -> bool:
    """Whether the text of a class gives one of its own names, such as `password`, a text that may be a credential. So
    does one that cannot be read, as where lines of a text stand further left than the class."""
    try:
        body = [one for cls in ast.parse(textwrap.dedent(text)).body for one in getattr(cls, "body", ())]
    except SyntaxError:
        return True
    for one in body:
        if isinstance(one, ast.Assign | ast.AnnAssign) and one.value is not None:
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            texts = [node.value for node in ast.walk(one.value) if isinstance(node, ast.Constant)]
            names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            if any(_may_be_private(name, text) for name in names for text in texts if text):
                return True
    return False


def _environment() -> set[str | bytes]:
    return {*os.environ.values(), *os.environb.values()}


def _is_constant(value: Any) -> bool:
    kind = type(value)
    if kind is str or kind is bytes or kind is tuple:
        return len(value) <= _MOST and (kind is not tuple or all(map(_is_constant, value)))
    return kind is int or kind is float or kind is bool
