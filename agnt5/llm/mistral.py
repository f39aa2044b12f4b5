"""Mistral's models, over the OpenAI SDK: their server speaks chat completions with a few customs of its own."""

from __future__ import annotations

import hashlib
import re
from typing import Any, ClassVar

from agnt5.llm.openai import OpenAILLM
from agnt5.llm.types import Request

_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class MistralLLM(OpenAILLM):
    """A model of Mistral. `api_key`: text or an agnt5.Secret; without it MISTRAL_API_KEY."""

    provider = "mistral"
    key_variables: ClassVar[tuple[str, ...]] = ("MISTRAL_API_KEY",)
    address: ClassVar[str] = "https://api.mistral.ai/v1"
    counts_when_asked: ClassVar[bool] = False  # it always tells, and does not know `stream_options`

    def _parameters(self, request: Request) -> dict[str, Any]:
        made = super()._parameters(request)
        for message in made["messages"]:
            if "name" in message:
                del message["name"]
            if "tool_call_id" in message:
                message["tool_call_id"] = call_id(message["tool_call_id"])
            for call in message.get("tool_calls", ()):
                call["id"] = call_id(call["id"])
        return made


def call_id(given: str) -> str:
    """An id that Mistral takes: nine letters and digits. Those of other providers become one, always the same."""
    if _CALL_ID.fullmatch(given):
        return given
    number = int.from_bytes(hashlib.sha256(given.encode()).digest()[:8])
    return "".join(_LETTERS[number // 62**place % 62] for place in range(9))
