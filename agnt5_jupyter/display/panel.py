"""Panel: a widget and the words it exchanges with its views.

A view sends `{"ask": word, "id": n, ...}` or `{"do": word, "id": n, ...}` and gets `{"answer": n, ...}` or
`{"answer": n, "error": text}`; the kernel sends `{"tell": word, ...}` by itself. Numbers in bulk and JSON of rows
travel in binary buffers. A subclass answers with methods `ask_WORD` and `do_WORD`, whose parameters are the message's
fields.

Callbacks come on any thread: they look, or hand a word to the engine, and never wait. An error is told to the view that
asked. Traits hold what a saved notebook may keep, so no value of a run; a view asks for everything when it renders.
"""

# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUntypedBaseClass=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import anywidget
import traitlets

import agnt5

from . import assets
from .desk import Desk
from .follower import follower
from .page import Page


class Message(NamedTuple):
    """What is sent: fields, and bytes in bulk."""

    fields: dict[str, Any]
    buffers: list[bytes] = []  # noqa: RUF012 - of a tuple, and never changed


def in_bulk(value: Any, **fields: Any) -> Message:
    """A JSON value as the first buffer: it is written and read once, and by no other layer."""
    return Message(fields, [json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")])


class Panel(anywidget.AnyWidget):
    """Base of all panels. `module` names its file in `static`; `tick` may follow something that lives."""

    module: ClassVar[str] = ""

    aside: ClassVar[frozenset[str]] = frozenset()
    """Words that may take a while. They are answered at the panel's desk, one after another, so that the kernel goes on
    meanwhile; nothing else may touch what they touch."""

    about: Any = traitlets.Dict().tag(sync=True)
    """Names and words for the first moment of a view: `mark` (of its static page), `title`."""

    _closed = True  # until it is made: the garbage collector closes what could not be made too

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "module" in cls.__dict__:  # not in the classes that traitlets makes of it
            cls._esm = assets.module(cls.module)
        super().__init_subclass__(**kwargs)

    def __init__(self, title: str) -> None:
        self.mark = f"a5-{secrets.token_hex(5)}"
        self.views = 0
        self.heard = False
        self.told: Callable[[], str] | None = None
        self.lock = threading.RLock()
        self.desk = Desk()
        # A store that its user has closed is looked at, and not opened again.
        self._looking = agnt5.Looking()
        self._closed = False
        super().__init__(about={"mark": self.mark, "title": title})
        self.on_msg(self._hear)

    # Views

    def _hear(self, _: Any, content: Mapping[str, Any], buffers: list[bytes]) -> None:
        fields = dict(content)
        number = fields.pop("id", None)
        kind = "ask" if "ask" in fields else "do"
        word = str(fields.pop(kind, ""))
        self.heard = True
        if word in self.aside:
            self.desk.put(lambda: self._reply(number, kind, word, fields))
        else:
            with self.lock:
                self._reply(number, kind, word, fields)

    def _reply(self, number: Any, kind: str, word: str, fields: dict[str, Any]) -> None:
        try:
            handler = getattr(self, f"{kind}_{word}", None)
            if handler is None:
                raise LookupError(f"a panel of this version does not know {kind} {word!r}; run its cell again")
            with self._looking.on():
                answer = handler(**fields)
        except BaseException as error:  # an error here would be swallowed by the widget's machinery
            self.say(Message({"answer": number, "error": told(error)}))
            return
        if not isinstance(answer, Message):
            answer = Message(answer or {})
        self.say(Message({**answer.fields, "answer": number}, answer.buffers))

    def say(self, message: Message) -> None:
        self.send(message.fields, buffers=message.buffers)

    def ask_hello(self) -> Message:
        """A view begins. Its answer is what the view shows first."""
        self.views += 1
        return self.first()

    def do_bye(self) -> None:
        """A view ends."""
        self.views = max(0, self.views - 1)

    def page(self) -> Page:
        """Its static page, as of now; subclasses say."""
        raise AssertionError(f"{type(self).__name__} does not say what a view is shown first")

    def printed(self) -> Page:
        """Its page, with the plain text that who shows it prefers."""
        with self._looking.on():
            page = self.page()
            return page if self.told is None else page._replace(text=self.told())

    def first(self) -> Message:
        """What a view is shown first."""
        raise AssertionError(f"{type(self).__name__} does not say what a view is shown first")

    # Following

    def follow(self) -> None:
        """Have `look` called until it says that no more comes."""
        follower.follow(self)

    def look(self) -> bool:
        """Look for news and tell them; whether more may come. Subclasses that live say."""
        return False

    def tick(self) -> bool:
        if self.comm is None:  # closed
            return False
        try:
            with self.lock, self._looking.on():
                return self.look()
        except Exception as error:
            self.say(Message({"tell": "error", "error": told(error)}))
            return False

    def close(self) -> None:
        """It shows and follows no more. The garbage collector closes too, on any thread and in the middle of anything,
        so a panel that is closed already takes no lock, and no closing waits for one that it may hold."""
        if not self._closed:
            self._closed = True
            follower.leave(self)
            self.desk.close()
            super().close()


def told(error: BaseException) -> str:
    """An error in words: AGNT5's own say enough, others are named."""
    text = str(error) if isinstance(error, agnt5.AGNT5Error) and str(error) else f"{type(error).__name__}: {error}"
    return agnt5.visible(text[:2_000])
