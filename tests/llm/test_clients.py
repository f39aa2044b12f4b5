"""Clients of SDKs: none before the first question, one for each event loop, and all closed without a word."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import weakref
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

import agnt5
from agnt5 import Context
from agnt5.execution.ioless import IOLessLoop
from agnt5.llm import LLM, Delta, Message, Reply, Request, create_llm
from llm.canary import KEY
from llm.wire import Answer, Delayed, OpenAIDialect, WireServer

ROOT = Path(__file__).parents[2]


def in_a_new_process(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run with all warnings shown, those of resources left open too."""
    command = [sys.executable, "-W", "always", "-c", textwrap.dedent(code), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)


def test_making_a_model_imports_no_sdk_and_touches_no_network() -> None:
    done = in_a_new_process(
        """
        import sys
        def watch(event, arguments):
            if event.startswith("socket."):
                raise SystemExit(f"touched the network: {event}")
        import agnt5
        from agnt5.llm import LanguageModelType, create_llm
        sys.addaudithook(watch)
        for kind in ("openai", "azure", "mistral", "together", "anthropic", "google"):
            print(create_llm(LanguageModelType(kind), "m", api_key="k", base_url="http://127.0.0.1:9"))
            print(create_llm(kind, "m"))
        heavy = {"openai", "anthropic", "google", "httpx", "httpx2", "pydantic"} & set(sys.modules)
        assert not heavy, heavy
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.split("\n")[0] == "<LLM openai/m>"


def test_a_missing_sdk_says_what_to_install() -> None:
    done = in_a_new_process(
        """
        import asyncio, sys
        sys.modules["openai"] = None
        from agnt5.llm import create_llm
        asyncio.run(create_llm("mistral", "m", api_key="k").generate("x"))
        """
    )
    assert 'ConfigurationError: The package openai is not installed: pip install "agnt5[openai]"' in done.stderr


async def test_callers_of_one_loop_share_a_client() -> None:
    with WireServer(OpenAIDialect(), lambda _: Answer("x")) as server:
        llm = create_llm("openai", "m", api_key=KEY, base_url=f"{server.url}/v1")
        await asyncio.gather(*(llm.generate("x") for _ in range(8)))
        clients = [await llm._clients.here() for _ in range(3)]  # pyright: ignore
    assert len({id(client) for client in clients}) == 1


def test_loops_one_after_another_and_beside_each_other_have_clients_of_their_own() -> None:
    with WireServer(OpenAIDialect(), lambda _: Delayed(Answer("x"), 0.01)) as server:
        llm = create_llm("openai", "m", api_key=KEY, base_url=f"{server.url}/v1")
        used: list[object] = []

        async def ask() -> str:
            text = (await llm.generate("x")).text
            used.append(await llm._clients.here())  # pyright: ignore
            return text

        async def beside() -> list[str]:
            return list(await asyncio.gather(ask(), asyncio.to_thread(asyncio.run, ask())))

        assert [asyncio.run(ask()) for _ in range(3)] == ["x"] * 3
        assert asyncio.run(beside()) == ["x", "x"]
    assert len({id(client) for client in used}) == 5
    assert all(client.is_closed() for client in used)  # pyright: ignore
    assert not llm._clients._held  # pyright: ignore


async def test_a_model_that_is_dropped_closes_its_client() -> None:
    with WireServer(OpenAIDialect(), Answer("x")) as server:
        llm = create_llm("openai", "m", api_key=KEY, base_url=f"{server.url}/v1")
        await llm.generate("x")
        client = await llm._clients.here()  # pyright: ignore
        del llm
        gc.collect()
        while not client.is_closed():
            await asyncio.sleep(0.01)


ENDINGS = {
    "asyncio.run": "asyncio.run(ask())",
    "a loop that only the exit closes": (
        "import atexit\nloop = asyncio.new_event_loop()\natexit.register(loop.close)\nloop.run_until_complete(ask())"
    ),
    "a loop that is closed at once": (
        "loop = asyncio.new_event_loop()\nloop.run_until_complete(ask())\n"
        "loop.run_until_complete(loop.shutdown_asyncgens())\nloop.close()"
    ),
    "a loop in a thread": (
        "import threading\nloop = asyncio.new_event_loop()\n"
        "threading.Thread(target=loop.run_forever, daemon=True).start()\n"
        "asyncio.run_coroutine_threadsafe(ask(), loop).result()"
    ),
    "the loop of runs": "agnt5.function(ask).run_sync()",
    "a stream left in the middle": "asyncio.run(leave())",
}


def test_every_end_of_a_process_is_quiet(tmp_path: Path) -> None:
    with WireServer(OpenAIDialect(), lambda _: Answer("Hello there")) as server:
        for name, ending in ENDINGS.items():
            code = f"""
import asyncio, sys
from typing import Any

import agnt5
from typing import Any

import agnt5
from agnt5 import Context
from agnt5.execution.ioless import IOLessLoop
from agnt5.llm import create_llm
agnt5.configure(home=sys.argv[2])
llm = create_llm("openai", "m", api_key="k", base_url=sys.argv[1])
async def ask() -> str:
    return (await llm.generate("x")).text
async def leave() -> None:
    async for item in llm.stream("x"):
        break
{ending}
print("done")
"""
            done = in_a_new_process(code, f"{server.url}/v1", str(tmp_path / "home"))
            assert done.stderr == "", f"{name}: {done.stderr}"
            assert done.stdout == "done\n", name


async def test_garbage_is_not_collected_as_code_of_a_flow() -> None:
    """SDKs close a client that is collected by a task on the running loop, which must not be that of a flow."""
    loops: list[Any] = []

    class Litter:
        def __init__(self) -> None:
            self.itself = self  # only the collector finds it

        def __del__(self) -> None:
            loops.append(asyncio._get_running_loop())

    @agnt5.flow
    async def littering(ctx: Context) -> int:
        return len([Litter() and number for number in range(20_000)])

    assert await littering.run() == 20_000
    gc.collect()
    assert len(loops) == 20_000
    assert not any(isinstance(loop, IOLessLoop) for loop in loops)


async def test_clients_of_a_dropped_model_live_until_they_are_closed_on_their_loop() -> None:
    with WireServer(OpenAIDialect(), lambda _: Answer("x")) as server:
        llm = create_llm("openai", "m", api_key=KEY, base_url=f"{server.url}/v1")
        await asyncio.gather(*(llm.generate("x") for _ in range(4)))
        client = weakref.ref(await llm._clients.here())  # pyright: ignore
        llm.itself = llm  # type: ignore[attr-defined]
        del llm
        await asyncio.to_thread(gc.collect)  # as on a thread without a loop
        while (left := client()) is not None and not left.is_closed():
            del left
            await asyncio.sleep(0.01)


class Slow(LLM):
    """Needs longer to get ready than its callers give it to answer."""

    provider = "slow"

    async def _prepare(self, request: Request) -> None:
        await asyncio.sleep(0.05)

    async def _stream(self, request: Request) -> AsyncGenerator[Delta | Reply, None]:
        yield Reply(Message("assistant", "here"))


async def test_getting_ready_is_no_part_of_the_time_limit() -> None:
    """An import that takes its time is no silence of the provider's, and nothing that may be billed."""
    llm = Slow("m")
    assert str(await llm.generate("x", timeout=0.01)) == "here"
    assert [str(item) async for item in llm.stream("x", timeout=0.01)] == ["here"]


@pytest.mark.parametrize("provider", ["openai", "azure", "mistral", "anthropic", "google"])
async def test_a_client_is_there_before_the_time_of_an_answer_runs(provider: str) -> None:
    llm: Any = create_llm(provider, "m", api_key=KEY, base_url="http://127.0.0.1:9")
    await llm._prepare(Request((Message("user", "x"),)))
    assert len(llm._clients._held) == 1
