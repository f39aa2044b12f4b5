"""What turns texts into vectors: the local one by default, any function, or a model of a provider.

The local one reads the weights and the tokenizer that the `wordllama` package ships (256 numbers a text, MIT licence),
when it is first used. It must never import that package, which sets up logging, nor reach for the network.
"""

from __future__ import annotations

import inspect
import math
import sys
import threading
import time
from array import array
from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from agnt5.errors import ConfigurationError
from agnt5.execution.current import current
from agnt5.execution.ops import Op
from agnt5.llm.sendable import whole
from agnt5.llm.types import Embedded
from agnt5.memory.operation import on_thread
from agnt5.modules import recorded_name

LOCAL = "local"
"""`embed=LOCAL`: offline, 256 numbers a text."""

AUTO = "auto"
"""`embed=AUTO`: as LOCAL where that is installed, words only where it is not."""

_LOCAL_NAME = "wordllama l2_supercat 256"
_INSTALL = (
    "Semantic memory makes its vectors with a small local model, which is not installed ({missing}): pip install "
    '"agnt5[memory]". Or pass embed=, a function from a list of texts to a list of vectors or a model with an `embed` '
    "method, or embed=None to find by words only."
)

Vectors = Sequence[Sequence[float]]
EmbedFunction = Callable[[list[str]], "Vectors | Awaitable[Vectors]"]


@runtime_checkable
class Embeds(Protocol):
    """A model with `embed(texts)`, sync or async, like those of `agnt5.llm`."""

    def embed(self, texts: list[str], /) -> Any: ...


Embed = str | EmbedFunction | Embeds | None


def checked_embed(source: Any) -> Any:
    """The argument `embed=`, or a ConfigurationError that says what it may be."""
    if source is None or source in (LOCAL, AUTO) or callable(source) or isinstance(source, Embeds):
        return source
    raise ConfigurationError(
        f"embed= is a function from a list of texts to a list of vectors, a model with an `embed` method, {LOCAL!r}, "
        f"{AUTO!r}, or None to find by words only; not {source!r}."
    )


def name_of(source: Any) -> str:
    """By which a namespace knows what filled it: the `name` of a model, or `module:qualname`."""
    if source in (LOCAL, AUTO):
        return _LOCAL_NAME
    name = getattr(source, "name", None)
    if isinstance(name, str) and name:
        return name
    named: Any = source
    if not hasattr(source, "__qualname__"):
        named = source.__class__
    return f"{recorded_name(named.__module__)}:{named.__qualname__}"


async def vectors_of(source: Any, texts: list[str]) -> list[bytes]:
    """A vector for each text, as little-endian f32; b"" for a text that has none, like one without words."""
    if source is None:
        return [b""] * len(texts)
    if source == AUTO and not installed():
        return [b""] * len(texts)
    texts = [whole(text) for text in texts]
    if source in (LOCAL, AUTO):
        return await on_thread(lambda: _local().embed(texts))
    began = time.monotonic()
    make: Any = source if callable(source) else source.embed
    if inspect.iscoroutinefunction(make) or inspect.iscoroutinefunction(getattr(make, "__call__", None)):  # noqa: B004
        made: Any = await make(texts)
    else:
        made = await on_thread(lambda: make(texts))
        if inspect.isawaitable(made):
            made = await made
    if isinstance(made, Embedded):
        _note(made, time.monotonic() - began)
        made = made.vectors
    found = list(made)
    if len(found) != len(texts):
        raise ConfigurationError(f"{name_of(source)} made {len(found)} vectors of {len(texts)} texts.")
    return [_bytes(source, vector) for vector in found]


def installed() -> bool:
    """Whether the local model is there."""
    return all(find_spec(name) is not None for name in ("wordllama", "tokenizers", "safetensors", "numpy"))


def _note(made: Embedded, seconds: float) -> None:
    """In a step, what a provider's vectors cost is noted beside its result."""
    from agnt5.chat import facts

    step = current.get()
    if isinstance(step, Op):
        step.facts = facts(made, seconds, None)


def floats(vector: bytes) -> list[float] | None:
    if not vector:
        return None
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def _bytes(source: Any, vector: Any) -> bytes:
    try:
        numbers = array("f", [float(number) for number in vector])
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigurationError(f"{name_of(source)} made something that is no vector of numbers: {error}") from error
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ConfigurationError(f"{name_of(source)} made a vector that is empty or holds numbers that are not finite.")
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


class _Local:
    """The mean of the vectors of a text's tokens."""

    def __init__(self) -> None:
        spec = find_spec("wordllama")
        if spec is None or spec.origin is None:
            raise ConfigurationError(_INSTALL.format(missing="wordllama is missing"))
        try:
            import safetensors.numpy as safetensors
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ConfigurationError(_INSTALL.format(missing=str(error))) from error
        package = Path(spec.origin).parent
        weights = package / "weights" / "l2_supercat_256.safetensors"
        tokens = package / "tokenizers" / "l2_supercat_tokenizer_config.json"
        if not weights.is_file() or not tokens.is_file():
            raise ConfigurationError(_INSTALL.format(missing=f"{package} has no {weights.name} or {tokens.name}"))
        self._weights: Any = safetensors.load_file(weights)["embedding.weight"]  # pyright: ignore[reportUnknownMemberType]
        self._tokenizer: Any = Tokenizer.from_file(str(tokens))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def embed(self, texts: list[str]) -> list[bytes]:
        encoded = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return [self._mean(one.ids) for one in encoded]

    def _mean(self, tokens: list[int]) -> bytes:
        return self._weights[tokens].astype("<f4").mean(axis=0).tobytes() if tokens else b""


_lock = threading.Lock()
_loaded: _Local | None = None


def _local() -> _Local:
    """Loaded once: about 60 ms and 35 MB."""
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _Local()
        return _loaded
