"""Google's API through `google-generativeai`, which is at its end of life, for programs that still have only that one.

It speaks REST in a thread of its own, in the API's JSON form, and never configures the SDK for the whole process.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

from agnt5.errors import ConfigurationError
from agnt5.llm import failures
from agnt5.llm.clients import sdk

_SILENCE = 600.0
"""Seconds after which a silent connection is given up."""
_BESIDE = ("tools", "tool_config", "safety_settings", "cached_content")
_END = object()


class LegacyClient:
    """What `agnt5.llm.google` asks of a client, without what this SDK lacks: signed thoughts, pictures in results."""

    def __init__(self, key: str, base_url: str | None) -> None:
        self._api = sdk("google.ai.generativelanguage", "google")  # the part that has no state
        options: dict[str, Any] = {"api_key": key, **({"api_endpoint": base_url.rstrip("/")} if base_url else {})}
        self._service = self._api.GenerativeServiceClient(client_options=options, transport="rest")

    async def stream(
        self, model: str, contents: list[Any], config: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        request = self._request(model, contents, config)

        def ask() -> Iterator[dict[str, Any]]:
            # The SDK would ask again by itself: `retry=None`.
            chunks = self._service.stream_generate_content(request, retry=None, timeout=_SILENCE)
            try:
                for chunk in chunks:
                    yield _plain(chunk)
            except ValueError as error:  # of the SDK's reader of JSON
                raise failures.unreadable(f"google/{model}", str(error)) from None

        async for chunk in _elsewhere(ask):
            yield chunk

    async def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        named = _path(model)
        requests = [{"model": named, "content": {"parts": [{"text": text}]}} for text in texts]

        def ask() -> Iterator[list[list[float]]]:
            request = self._api.BatchEmbedContentsRequest(model=named, requests=requests)
            answer = self._service.batch_embed_contents(request, retry=None, timeout=_SILENCE)
            yield [list(one.values) for one in answer.embeddings]

        found: list[list[float]] = []
        async for vectors in _elsewhere(ask):
            found = vectors
        return found

    async def close(self) -> None:
        self._service.transport.close()

    def _request(self, model: str, contents: list[Any], config: dict[str, Any]) -> Any:
        """The API's message. What this SDK does not know is left out of conversations, and refused in options."""
        config = dict(config)
        said = [self._api.Content.from_json(json.dumps(one), ignore_unknown_fields=True) for one in contents]
        told: dict[str, Any] = {"model": _path(model)}
        if "system_instruction" in config:
            told["system_instruction"] = {"parts": [{"text": config.pop("system_instruction")}]}
        told |= {name: config.pop(name) for name in _BESIDE if name in config}
        for tool in told.get("tools", ()):
            for declared in tool.get("function_declarations", ()):
                if "parameters_json_schema" in declared:
                    declared["parameters"] = older_schema(declared.pop("parameters_json_schema"))
        if "response_json_schema" in config:
            config["response_schema"] = older_schema(config.pop("response_json_schema"))
        told["generation_config"] = config
        try:
            request = self._api.GenerateContentRequest.from_json(json.dumps(told))
        except Exception as error:
            raise ConfigurationError(
                f"google-generativeai does not take these options: {error}. It is at its end of life, and google-genai "
                f'takes more: pip install "agnt5[google]"'
            ) from None
        request.contents = said
        return request


def older_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema in the API's older form, which has no references and no alternatives but null.

    ConfigurationError for one that cannot be said in it.
    """
    definitions = schema.get("$defs", {})

    def say(found: dict[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
        if "$ref" in found:
            name = found["$ref"].rpartition("/")[2]
            if name in seen or name not in definitions:
                raise _unsayable(f"a type that holds itself ({name})")
            return {**say(definitions[name], (*seen, name)), **_told(found)}
        if "anyOf" in found or "oneOf" in found:
            several: list[dict[str, Any]] = found.get("anyOf") or found["oneOf"]
            real = [one for one in several if one.get("type") != "null"]
            if len(real) != 1:
                raise _unsayable("several types for one value")
            return {**say(real[0], seen), "nullable": True, **_told(found)}
        kinds = found.get("type", "string" if "enum" in found or "const" in found else None)
        names = [kinds] if isinstance(kinds, str) else list(kinds or ())
        real_names = [name for name in names if name != "null"]
        if len(real_names) != 1:
            raise _unsayable("a value of any type" if not real_names else "several types for one value")
        made: dict[str, Any] = {"type": real_names[0].upper(), **_told(found)}
        if len(names) > 1:
            made["nullable"] = True
        choices = found.get("enum", [found["const"]] if "const" in found else [])
        if choices and all(isinstance(one, str) for one in choices):
            made |= {"enum": choices, "format": "enum"}
        if made["type"] == "OBJECT" and not found.get("properties") and found.get("additionalProperties"):
            raise _unsayable("an object with keys of any name")
        if made["type"] == "OBJECT":
            made["properties"] = {name: say(one, seen) for name, one in found.get("properties", {}).items()}
            made["required"] = list(found.get("required", ()))
        if made["type"] == "ARRAY":
            made["items"] = say(found.get("items") or {}, seen)
        return made

    return say(schema, ())


def _told(found: dict[str, Any]) -> dict[str, Any]:
    return {"description": found["description"]} if "description" in found else {}


def _unsayable(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"google-generativeai has no word for {what} in a schema. It is at its end of life; google-genai has: "
        f'pip install "agnt5[google]"'
    )


def _path(model: str) -> str:
    return model if "/" in model else f"models/{model}"


def _plain(chunk: Any) -> dict[str, Any]:
    """A message of the API as its JSON form."""
    text = chunk.__class__.to_json(
        chunk, including_default_value_fields=False, use_integers_for_enums=False, preserving_proto_field_name=False
    )
    # Numbers of arguments are floats in this SDK's messages, whatever the model wrote.
    return json.loads(text, parse_float=_number)


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


async def _elsewhere(ask: Callable[[], Iterator[Any]]) -> AsyncGenerator[Any, None]:
    """What a blocking iterator gives, read in a daemon thread: an answer nobody waits for must not hold up exit."""
    loop = asyncio.get_running_loop()
    items: asyncio.Queue[Any] = asyncio.Queue()
    left = threading.Event()

    def put(item: Any) -> bool:
        if left.is_set():
            return False
        try:
            loop.call_soon_threadsafe(items.put_nowait, item)
        except RuntimeError:  # the loop has ended
            return False
        return True

    def read() -> None:
        try:
            for item in ask():
                if not put(item):
                    return
            put(_END)
        except Exception as error:
            put(error)

    threading.Thread(target=read, name="agnt5-google", daemon=True).start()
    try:
        while (item := await items.get()) is not _END:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        left.set()
