"""Run where only google-generativeai is installed: asks the server at an address, and prints what came as JSON."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import time
from dataclasses import dataclass
from typing import Any

from agnt5.errors import AGNT5Error
from agnt5.llm import Delta, Image, Message, Text, ToolSpec, create_llm

WEATHER = ToolSpec(
    "weather",
    "The weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]},
)


@dataclass
class City:
    name: str
    people: int | None = None


async def outcome(work: Any) -> dict[str, Any]:
    try:
        await work
    except AGNT5Error as error:
        return {"kind": type(error).__name__, "text": str(error), **vars(error)}
    return {"kind": "none"}


async def main(url: str, key: str) -> dict[str, Any]:
    llm = create_llm("google", "gemini-2.5-flash", api_key=key, base_url=url)
    found: dict[str, Any] = {"genai": importlib.util.find_spec("google.genai") is not None}
    question = Message("user", (Text("Where?"), Image(b"\xfb\xff", media_type="image/gif")))
    first = await llm.generate([Message("system", "Be brief."), question], tools=[WEATHER], temperature=0.5)
    found["calls"] = [[call.name, call.arguments] for call in first.tool_calls]
    found["days"] = type(first.tool_calls[0].arguments["days"]).__name__
    results = [Message("tool", "sunny", tool_call_id=call.id) for call in first.tool_calls]
    items = [item async for item in llm.stream([question, first.message, *results])]
    found["pieces"] = sum(isinstance(item, Delta) for item in items)
    found["answer"] = str(items[-1])
    reply = await llm.generate("x", response_format=City)
    found["output"] = [reply.output.name, reply.output.people]
    found["usage"] = [reply.usage.input, reply.usage.output, reply.finish, reply.cost]
    found["vectors"] = (await llm.embed(["a", "b"], model="text-embedding-004")).vectors
    found["failures"] = [await outcome(llm.generate("x", timeout=30)) for _ in range(5)]
    found["options"] = await outcome(llm.generate("x", no_such_option=1))
    found["schema"] = await outcome(llm.generate("x", response_format=dict[str, int | str]))
    began = time.monotonic()
    found["silence"] = await outcome(llm.generate("x", timeout=0.4))
    found["missing"] = [
        await outcome(create_llm(name, "m", api_key="k").generate("x")) for name in ("anthropic", "openai")
    ]
    found["missing"].append(await outcome(create_llm("local").generate("x")))
    found["waited"] = time.monotonic() - began
    return found


print(json.dumps(asyncio.run(main(*sys.argv[1:3]))))
