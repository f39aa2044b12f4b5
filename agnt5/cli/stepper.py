"""The keyboard stepper of `agnt5 replay`: one screen per position, one key per move.

Everything it shows comes from a journal or from source, so all of it passes `shown`.
"""

from __future__ import annotations

import contextlib
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from ..errors import ConfigurationError
from .keyboard import RESIZED, Keyboard
from .text import colour, fit, shown, terminal_height, terminal_width

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
# Lines of source, and of names, that are shown however small the terminal is.
_FEWEST = 5
_MOST_WRAPPED = 12


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
            if key == RESIZED:
                continue
            self._said = ""
            act = _KEYS.get(key)
            if act == "quit":
                return
            if act is None:
                self._said = "no such key"
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
            walk.step(len(walk))
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
            if not any(name in (entry.name, entry.path, entry.kind) for entry in self._walk.journal):
                self._said = f"no entry of this run has the name, path or kind {name!r}"

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
        """The screen: where it stands, source, locals (changed ones marked), state, messages, keys. It fits into the
        terminal."""
        walk = self._walk
        entry = walk.entry
        head = f"{walk.run_id}  {shown(walk.place)}"
        top = [colour(fit(head, terminal_width()), "bold"), ""]
        if entry is not None:
            top += [self._fit(f"  {entry.name} gave {entry.error or repr(entry.output)}"), ""]
        bottom = [""] if walk.outcome else []
        bottom += self._wrapped(walk.outcome)
        if len(walk.breakpoints):
            bottom += ["", self._fit(f"breaks at {', '.join(walk.breakpoints)}")]
        if walk.divergence is not None and walk.at_end:
            bottom += ["", *self._wrapped(str(walk.divergence))]
        bottom += ["", *self._wrapped(self._said), colour(self._fit(_HELP), "dim")]
        room = max(terminal_height() - len(top) - len(bottom) - 2, _FEWEST * 2)
        source = self._source(max(_FEWEST, room - len(walk.locals) - len(walk.state)))
        middle = [*source, "", *self._names(max(_FEWEST, room - len(source)))]
        # A terminal too small for that keeps its first line, the keys and as much as fits between them.
        left = max(terminal_height() - 2, 0)
        return [*[*top, *middle, *bottom[:-1]][:left], bottom[-1], ""]

    def _source(self, most: int) -> list[str]:
        """So many of the function's lines, around the current one."""
        if self._walk.frame is None:
            return self._wrapped(self._walk.source)
        lines = self._walk.source.splitlines()
        current = next((number for number, line in enumerate(lines) if line.startswith("→")), 0)
        first = max(0, min(current - most // 2, len(lines) - most))
        return [self._fit(line) for line in lines[first : first + most]]

    def _names(self, most: int) -> list[str]:
        """So many names with their values, those that changed first when there is no room for all."""
        walk = self._walk
        changed = walk.changed
        told = [(name, text) for name, text in walk.locals.items()]
        told += [(f"state.{name}", text) for name, text in walk.state_texts.items()]
        left = len(told) - most
        if left > 0:
            told = sorted(told, key=lambda one: one[0] not in changed)[: most - 1]
        lines = [self._marked(name in changed, f"{name} = {text}") for name, text in told]
        return [*lines, f"  ... and {left + 1} more"] if left > 0 else lines

    def _marked(self, changed: bool, text: str) -> str:
        line = self._fit(f"{'*' if changed else ' '} {text}")
        return colour(line, "bold") if changed else line

    def _wrapped(self, text: str) -> list[str]:
        """Sentences, on as many lines as they need, within reason."""
        lines = [part for line in shown(text, lines=True).splitlines() for part in wrap(line, terminal_width())]
        return lines[:_MOST_WRAPPED]

    def _fit(self, text: str) -> str:
        return fit(shown(text), terminal_width())
