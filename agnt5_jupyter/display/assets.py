"""The front end's modules as one text each, for a widget that may import nothing.

A module in `static` says what it needs by `import { a } from "./other.js"`. Here each module that is needed becomes a
function that gives what it exports, so they keep their own scopes as in a browser. It is no bundler: it reads no
JavaScript beyond these two words at the beginning of a line.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

STATIC = Path(__file__).parent.parent / "static"

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./([a-z]+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)


@functools.cache
def module(name: str) -> str:
    """The ES module of a panel, its styles inside: `export default { render }`."""
    parts: dict[str, str] = {}
    _collect(name, parts)
    styles = "".join(_style(part) for part in parts)
    return "\n".join([f"const STYLES = {json.dumps(styles)};", *parts.values()])


def _collect(name: str, parts: dict[str, str], *, inner: bool = False) -> None:
    """The modules that this one needs, then itself; each once."""
    source = (STATIC / f"{name}.js").read_text(encoding="utf-8")
    for _, needed in _IMPORT.findall(source):
        if needed not in parts:
            _collect(needed, parts, inner=True)
    body = _IMPORT.sub(r"const \1 = module_\2;", source)
    if inner:
        exported = ", ".join(_EXPORT.findall(body))
        body = f"const module_{name} = (() => {{\n{_EXPORT.sub('', body)}return {{ {exported} }};\n}})();"
    parts[name] = body


def _style(name: str) -> str:
    path = STATIC / f"{name}.css"
    return path.read_text(encoding="utf-8") if path.exists() else ""
