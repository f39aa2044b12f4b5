"""Open models hosted by Together, over the OpenAI SDK."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from agnt5.llm.clients import sdk
from agnt5.llm.openai import OpenAILLM, connect
from agnt5.llm.types import Request

ADDRESS = "https://api.together.xyz/v1"


class TogetherLLM(OpenAILLM):
    """A model hosted by Together. `api_key`: text or an agnt5.Secret; without it TOGETHER_API_KEY."""

    provider = "together"
    key_variables: ClassVar[tuple[str, ...]] = ("TOGETHER_API_KEY",)
    counts_when_asked: ClassVar[bool] = False  # it always tells, and does not know `stream_options`

    def _client(self) -> Any:
        return connect(sdk("openai", "openai"), self._key.need(self.name), self._base_url or ADDRESS, foreign=True)

    def _parameters(self, request: Request) -> dict[str, Any]:
        made = super()._parameters(request)
        if request.schema is not None:
            # Its documentation asks for the schema in the prompt too: models there are held to it, but not told of it.
            schema = msgspec.json.encode(request.schema).decode()
            text = f"Answer with JSON only, of this JSON schema: {schema}"
            made["messages"].insert(0, {"role": "system", "content": text})
        return made

    def _limit_name(self) -> str:
        return "max_tokens"
