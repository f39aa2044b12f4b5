"""The keyboard stepper of `agnt5 replay`: one screen per position, one key per move.

Everything it shows comes from a journal or from source, so all of it passes `shown`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from ..errors import ConfigurationError
from .keyboard import Keyboard
from .text import colour, fit, shown, terminal_width

if TYPE_CHECKING:
    from ..replay.replay import Replay

_HELP = "← → step   home end   g go to   b break   c continue   e evaluate   q quit"
# What terminals send for a key; letters for those who prefer them.
_KEYS = {
    "\x1b[C": "step",
    "\x1bOC": "step",
    "l": "step",
    " ": "step",
    "\x1b[D": "back",
    "\x1bOD": "back",
    "h": "back",
    "\x1b[H": "start",
    "\x1bOH": "start",
    "\x1b[1~": "start",
    "\x1b[F": "end",
    "\x1bOF": "end",
    "\x1b[4~": "end",
    "g": "goto",
    "b": "break",
    "c": "continue",
    "e": "evaluate",
    "q": "quit",
    "\x1b": "quit",
    "\x04": "quit",
}
_CLEAR = "\x1b[2J\x1b[H"
_MOST_LINES = 24


class Stepper:
    """Shows a replay and moves it by keys until the person leaves."""

    def __init__(self, walk: Replay) -> None:
        self._walk = walk
        self._said = ""
        self._keyboard = Keyboard()

    def run(self) -> None:
        with self._keyboard, contextlib.suppress(KeyboardInterrupt, EOFError):
            self._walk_about()

    def _walk_about(self) -> None:
        while True:
            self._draw()
            key = self._keyboard.key()
            self._said = ""
            act = _KEYS.get(key)
            if act == "quit":
                return
            if act is None:
                self._said = f"no such key: {_HELP}"
            else:
                self._do(act)

    def _do(self, act: str) -> None:
        walk = self._walk
        if act == "step":
            walk.step()
        elif act == "back":
            walk.back()
        elif act == "start":
            walk.reset()
        elif act == "end":
            walk.goto(len(walk.journal.stored))
        elif act == "continue":
            walk.run_to_end()
        elif act == "goto":
            self._goto(self._ask("go to entry (number or path)"))
        elif act == "break":
            self._toggle(self._ask("break at (name, path or kind)"))
        elif act == "evaluate":
            self._evaluate(self._ask("evaluate"))

    def _goto(self, text: str) -> None:
        if not text:
            return
        try:
            self._walk.goto(int(text) if text.isdecimal() else text)
        except ConfigurationError as error:
            self._said = str(error)

    def _toggle(self, name: str) -> None:
        points = self._walk.breakpoints
        if name and name in points:
            points.remove(name)
        elif name:
            points.add(name)

    def _evaluate(self, expression: str) -> None:
        if not expression:
            return
        try:
            self._said = f"{expression} = {self._walk.eval(expression)!r}"
        except Exception as error:
            self._said = f"{type(error).__name__}: {error}"

    def _ask(self, what: str) -> str:
        with self._keyboard.lines():
            try:
                return click.prompt(what, default="", show_default=False, prompt_suffix=": ").strip()
            except click.Abort:
                return ""

    def _draw(self) -> None:
        click.echo(_CLEAR + "\n".join(self.lines()), nl=False)

    def lines(self) -> list[str]:
        """The screen: where it stands, source, locals (changed ones marked), state, messages, keys."""
        walk = self._walk
        entry = walk.entry
        what = "the start" if entry is None else f"after {entry.kind} {entry.path or entry.name}"
        head = f"{walk.run_id}  {walk.index} of {len(walk) - 1}  entry {walk.position}  {shown(what)}"
        lines = [colour(fit(head, terminal_width()), "bold"), ""]
        if entry is not None:
            lines += [self._fit(f"  {entry.name} gave {entry.error or repr(entry.output)}"), ""]
        lines += [self._fit(line) for line in self._source()]
        lines.append("")
        changed = walk.changed
        for name, text in walk.locals.items():
            lines.append(self._marked(name in changed, f"{name} = {text}"))
        for name, value in walk.state.items():
            lines.append(self._marked(f"state.{name}" in changed, f"state.{name} = {value!r}"))
        if walk.outcome:
            lines += ["", self._fit(walk.outcome)]
        if len(walk.breakpoints):
            lines += ["", self._fit(f"breaks at {', '.join(walk.breakpoints)}")]
        if walk.divergence is not None and walk.at_end:
            lines += ["", *(self._fit(line) for line in str(walk.divergence).splitlines())]
        lines += ["", *(self._fit(line) for line in self._said.splitlines()), colour(_HELP, "dim"), ""]
        return lines

    def _source(self) -> list[str]:
        """The function's lines around the current one."""
        lines = self._walk.source.splitlines()
        current = next((number for number, line in enumerate(lines) if line.startswith("→")), 0)
        first = max(0, min(current - _MOST_LINES // 2, len(lines) - _MOST_LINES))
        return lines[first : first + _MOST_LINES]

    def _marked(self, changed: bool, text: str) -> str:
        line = self._fit(f"{'*' if changed else ' '} {text}")
        return colour(line, "bold") if changed else line

    def _fit(self, text: str) -> str:
        return fit(shown(text), terminal_width())
