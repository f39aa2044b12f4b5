"""Cuts the line of a magic into words and turns words into values.

A word ends at a space that is outside of quotes and brackets, so that `{"a": 1}` is one word. Values are Python
expressions over the notebook's variables.
"""

from __future__ import annotations

import ast
import builtins
import re
from typing import Any

from IPython.core.error import UsageError

_OPENS = {"(": ")", "[": "]", "{": "}"}
_PREFIXES = frozenset({"", "r", "b", "f", "u", "rb", "br", "fr", "rf"})


def split(line: str) -> list[str]:
    """The words of a line. UsageError for a quote or bracket that is never closed."""
    return [word for word, _ in _scan(line)]


def has_comma(line: str) -> bool:
    """Whether a comma stands outside of quotes and brackets: then the words are one list of arguments."""
    return any(comma for _, comma in _scan(line))


def _scan(line: str) -> list[tuple[str, bool]]:
    words: list[tuple[str, bool]] = []
    closing: list[str] = []
    start, comma, at = -1, False, 0
    while at < len(line):
        c = line[at]
        if not closing and c.isspace():
            if start >= 0:
                words.append((line[start:at], comma))
            start, comma = -1, False
            at += 1
            continue
        start = at if start < 0 else start
        if c in "\"'" and _opens_text(line[start:at]):
            at = _end_of_text(line, at)
            continue
        if c in _OPENS:
            closing.append(_OPENS[c])
        elif closing and c == closing[-1]:
            closing.pop()
        elif c == "," and not closing:
            comma = True
        at += 1
    if closing:
        raise UsageError(f"%agnt5: {closing[-1]!r} is missing in {_short(line)}")
    if start >= 0:
        words.append((line[start:], comma))
    return words


def _opens_text(before: str) -> bool:
    """Whether a quote after these characters begins a text; the one in `it's` does not."""
    letters = ""
    for c in reversed(before):
        if not c.isalnum() and c != "_":
            break
        letters = c + letters
    return letters.lower() in _PREFIXES


def _end_of_text(line: str, at: int) -> int:
    quote = line[at] * 3 if line[at : at + 3] == line[at] * 3 else line[at]
    end = at + len(quote)
    while end < len(line):
        if line[end] == "\\":
            end += 2
        elif line.startswith(quote, end):
            return end + len(quote)
        else:
            end += 1
    raise UsageError(f"%agnt5: {quote} is never closed in {_short(line)}")


def plain(word: str) -> str:
    """A text; quotes around all of it are taken off."""
    if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'":
        try:
            inner = ast.literal_eval(word)
        except (SyntaxError, ValueError):
            return word
        return inner if isinstance(inner, str) else word
    return word


def value_of(text: str, names: dict[str, Any]) -> Any:
    """A Python expression over the notebook's variables. UsageError when it cannot be evaluated."""
    return _evaluated(text, names, text)


def plain_value(text: str, names: dict[str, Any]) -> Any:
    """The same, but a text that is no expression, or a name that nobody knows, is meant as it is written."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return plain(text)
    if isinstance(tree, ast.Name) and tree.id not in names and tree.id not in ("True", "False", "None"):
        return text
    return value_of(text, names)


def call_of(text: str, names: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Arguments: `1 "two" key=3`, or with commas as in Python."""
    listed = text if has_comma(text) else ", ".join(split(text))
    try:
        call = ast.parse(f"_({listed})", mode="eval").body
    except SyntaxError as error:
        raise UsageError(f"%agnt5 run: {_short(text)} are no Python arguments: {error.msg}") from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise UsageError(f"%agnt5 run: {_short(text)} are no Python arguments")
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for one in call.args:
        if isinstance(one, ast.Starred):
            args.extend(_evaluated(one.value, names, text))
        else:
            args.append(_evaluated(one, names, text))
    for keyword in call.keywords:
        value = _evaluated(keyword.value, names, text)
        kwargs.update(value if keyword.arg is None else {keyword.arg: value})
    return args, kwargs


def _evaluated(code: str | ast.expr, names: dict[str, Any], text: str) -> Any:
    try:
        return eval(compile(code if isinstance(code, str) else ast.Expression(code), "<%agnt5>", "eval"), names)
    except SyntaxError as error:
        raise UsageError(f"%agnt5: {_short(text)} is no Python expression: {error.msg}") from None
    except Exception as error:
        said = " ".join(str(error).split())
        raise UsageError(f"%agnt5: {_short(text)}: {type(error).__name__}: {said}") from error


def exception_of(text: str, names: dict[str, Any]) -> BaseException:
    """`ValueError:message`, or a Python expression that makes an exception."""
    name, _, message = text.partition(":")
    cls = names.get(name, getattr(builtins, name, None))
    if isinstance(cls, type) and issubclass(cls, BaseException):
        return cls(message.strip()) if message else cls()
    made = value_of(text, names)
    if not isinstance(made, BaseException):
        raise UsageError(f"%agnt5: an exception is written as ValueError:message, not {_short(text)}")
    return made


def pair(word: str, flag: str) -> tuple[str, str]:
    """`path=value` cut at its first `=` outside of brackets; paths have none."""
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise UsageError(f"%agnt5: {flag} is NAME=VALUE, not {_short(word)}")
    return plain(name), value


_NAMED = r"[A-Za-z_]\w*(?:\.\w+|\[[^\[\]{}\n]*\])*"
_BRACES = re.compile(rf"\{{(\{{{_NAMED}\}})\}}|\{{({_NAMED})\}}")


def interpolate(text: str, names: dict[str, Any]) -> str:
    """`{name}`, `{name.attribute}` and `{name[0]}` are replaced by the notebook's values; `{{name}}` is `{name}`; other
    braces, as in JSON, stay. UsageError for a name that nobody knows."""
    return _BRACES.sub(lambda found: found[1] or str(value_of(found[2], names)), text)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")
