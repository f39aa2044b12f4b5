"""Open models hosted by Together, over the OpenAI SDK."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from agnt5.llm.openai import OpenAILLM
from agnt5.llm.types import Request


class TogetherLLM(OpenAILLM):
    """A model hosted by Together. `api_key`: text or an agnt5.Secret; without it TOGETHER_API_KEY."""

    provider = "together"
    key_variables: ClassVar[tuple[str, ...]] = ("TOGETHER_API_KEY",)
    address: ClassVar[str] = "https://api.together.xyz/v1"
    counts_when_asked: ClassVar[bool] = False  # it always tells, and does not know `stream_options`

    def _parameters(self, request: Request) -> dict[str, Any]:
        made = super()._parameters(request)
        if request.schema is not None:
            # Its documentation asks for the schema in the prompt too: models there are held to it, but not told of it.
            schema = msgspec.json.encode(request.schema).decode()
            text = f"Answer with JSON only, of this JSON schema: {schema}"
            first = made["messages"][0]
            if first["role"] == "system":  # some models take only one
                first["content"] += f"\n\n{text}"
            else:
                made["messages"].insert(0, {"role": "system", "content": text})
        return made
