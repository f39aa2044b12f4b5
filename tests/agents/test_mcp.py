"""Tools of MCP servers: a real program over stdio and a real server over HTTP, both made with the official SDK."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import agnt5
from agnt5 import Secret, Tool, flow
from agnt5.llm import Image, ScriptedLLM, Text
from agnt5.mcp import mcp_tools

PROGRAM = Path(__file__).parent / "mcp_server.py"
HOSTILE = Path(__file__).parent / "hostile_mcp.py"
STDIO: dict[str, Any] = {"command": sys.executable, "args": [str(PROGRAM), "stdio"]}


async def by_name(**options: Any) -> dict[str, Tool[..., Any]]:
    return {tool.name: tool for tool in await mcp_tools(**options)}


@contextmanager
def http_server(port: int, token: str = "") -> Iterator[str]:
    """A server on loopback, until the block ends; gives its address."""
    with subprocess.Popen([sys.executable, str(PROGRAM), "http", str(port), token]) as process:
        try:
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, "the server ended at once"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_program_offers_tools_with_its_own_schema() -> None:
    tools = await by_name(**STDIO, prefix="bench_")
    add = tools["bench_add"]
    assert add.spec.description == "Add two numbers."
    assert add.spec.parameters["required"] == ["a"]
    assert await add(a=2, b=3) == {"sum": 5}
    assert await tools["bench_greet"](name="Ada") == "Hello Ada"


async def test_pictures_come_as_parts() -> None:
    tools = await by_name(**STDIO)
    words, picture = await tools["picture"]()
    assert words == Text("one pixel")
    assert isinstance(picture, Image)
    assert picture.data.startswith(b"\x89PNG")


async def test_an_agent_uses_them_and_its_model_sees_the_picture() -> None:
    calls = [{"tool": "picture"}, {"tool": "fail", "arguments": {"why": "no film"}}, "A dark pixel."]
    llm = ScriptedLLM(calls)
    painter = agnt5.Agent(name="painter", tools=await mcp_tools(**STDIO), llm=llm)
    assert await painter.run("What do you see?") == "A dark pixel."
    shown, failed = llm.requests[1].messages[-1], llm.requests[2].messages[-1]
    assert [type(part) for part in shown.parts] == [Text, Image]
    assert failed.failed
    assert "no film" in failed.text


async def test_calls_in_a_run_are_recorded_once_and_replay_without_the_server(tmp_path: Path) -> None:
    tools = await by_name(**STDIO)

    @flow
    async def talk(ctx: Any) -> list[Any]:
        return [
            await ctx.call(tools["pid"]),
            await tools["add"].invoke(ctx, {"a": 1}),
            await tools["picture"].invoke(ctx, {}),
        ]

    run = talk.start()
    first = await run
    assert first[1] == {"sum": 2}
    assert isinstance(first[2][1], Image)
    os.kill(int(first[0]), signal.SIGKILL)
    replay = run.replay()
    replay.run_to_end()
    assert [entry.name for entry in run.journal] == ["pid", "add", "picture"]
    assert [entry.output for entry in run.journal] == first


async def test_the_model_reads_why_a_call_failed() -> None:
    tools = await by_name(**STDIO)

    @flow
    async def ask(ctx: Any) -> str:
        try:
            await ctx.call(tools["fail"], why="no such city")
        except agnt5.ToolFailed as error:
            return f"{error.attempts}: {error}"  # type: ignore[attr-defined]
        return "unreachable"

    answer = await ask.run()
    assert answer.startswith("1: ")
    assert "no such city" in answer
    with pytest.raises(agnt5.ToolArgumentError, match="'x' is not of type 'integer'") as wrong:
        tools["add"].validate({"a": "x"})
    assert wrong.value.fields == ("a",)


async def test_a_server_that_dies_in_a_call_is_started_again_for_the_next() -> None:
    tools = await by_name(**STDIO)
    before = await tools["pid"]()
    with pytest.raises(agnt5.MCPConnectionLost, match="the server ends now"):
        await tools["die"]()
    after = await tools["pid"]()
    assert before != after
    assert gone(int(before))


async def test_only_tools_that_may_be_repeated_are_asked_again_after_a_death(tmp_path: Path) -> None:
    tools = await by_name(**STDIO)

    @flow
    async def twice(ctx: Any) -> list[str]:
        found = [await ctx.call(tools["die_once"], marker=str(tmp_path / "marker"))]
        try:
            await ctx.call(tools["die"])
        except agnt5.MCPConnectionLost as error:
            found.append(f"after {error.attempts}")  # type: ignore[attr-defined]
        return found

    assert await twice.run() == ["alive", "after 1"]


async def test_a_server_that_was_killed_while_idle_is_started_again() -> None:
    tools = await by_name(**STDIO)
    first = await tools["pid"]()
    os.kill(int(first), signal.SIGKILL)
    while not gone(int(first)):
        await asyncio.sleep(0.01)
    while True:
        try:
            assert await tools["pid"]() != first
            break
        except agnt5.MCPConnectionLost:  # asked before its end was noticed
            continue


async def test_the_server_ends_with_its_last_tool() -> None:
    tools = await by_name(**STDIO)
    pid = int(await tools["pid"]())
    assert not gone(pid)
    del tools
    while not gone(pid):
        gc.collect()
        await asyncio.sleep(0.02)


def test_the_server_ends_with_the_program(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import asyncio, sys\nfrom agnt5.mcp import mcp_tools\n"
        f"tools = asyncio.run(mcp_tools(sys.executable, [{str(PROGRAM)!r}, 'stdio']))\n"
        "print(next(t for t in tools if t.name == 'pid').run_sync())\n"
    )
    environment = os.environ | {"AGNT5_HOME": str(tmp_path / ".agnt5")}
    answer = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, env=environment)
    assert answer.returncode == 0, answer.stderr
    assert gone(int(answer.stdout))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"command": "no-such-program-here"}, "could not be started: No such file"),
        ({"command": sys.executable, "args": ["-c", "raise SystemExit('no licence')"]}, "no licence"),
        (
            {"command": sys.executable, "args": ["-c", "while True: input()"], "timeout": 0.5},
            "did not greet within 0.5 s",
        ),
        ({"url": "http://127.0.0.1:9/mcp"}, "cannot be reached"),
    ],
    ids=["missing", "ends", "silent", "nobody"],
)
async def test_a_server_that_cannot_be_used_says_why(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(agnt5.MCPUnavailable, match=re.escape(words)):
        await mcp_tools(**arguments)


async def test_a_call_that_takes_too_long_is_given_up() -> None:
    tools = await by_name(**STDIO, timeout=2.0)
    with pytest.raises(agnt5.MCPTimeout, match="did not answer the call of slow within 2 s") as error:
        await tools["slow"](seconds=60)
    assert isinstance(error.value, TimeoutError)
    assert error.value.seconds == 2.0


async def test_variables_reach_the_program_and_no_message() -> None:
    Secret("BENCH_TOKEN", "canary-4711-canary")
    options = {"env": {"BENCH_TOKEN": Secret("BENCH_TOKEN"), "API_KEY": "canary-4712-canary"}}
    tools = await by_name(**STDIO, **options)
    assert await tools["variable"](name="BENCH_TOKEN") == "canary-4711-canary"
    quits = "import os; raise SystemExit(os.environ['BENCH_TOKEN'] + os.environ['API_KEY'])"
    with pytest.raises(agnt5.MCPUnavailable) as error:
        await mcp_tools(sys.executable, ["-c", quits], **options)
    assert "canary" not in str(error.value)


async def test_streamable_http_with_credentials(port: int) -> None:
    with http_server(port, "canary-token-1") as url:
        with pytest.raises(agnt5.MCPAuthError, match=r"refused the credentials \(HTTP 401\)"):
            await mcp_tools(url=url)
        with pytest.raises(agnt5.MCPAuthError) as refused:
            await mcp_tools(url=f"{url}?key=canary", headers={"Authorization": "Bearer canary-token-2"})
        assert "canary" not in str(refused.value)
        tools = await by_name(url=url, headers={"Authorization": "Bearer canary-token-1"})
        assert await tools["add"](a=1, b=1) == {"sum": 2}
        answers = await asyncio.gather(*(tools["greet"](name=str(number)) for number in range(20)))
        assert answers == [f"Hello {number}" for number in range(20)]
        with pytest.raises(agnt5.ToolFailed, match="too hot"):
            await tools["fail"](why="too hot")


async def test_an_http_server_may_go_and_come_back(port: int) -> None:
    with http_server(port) as url:
        tools = await by_name(url=url)
        first = await tools["pid"]()
    with pytest.raises(agnt5.MCPError) as error:
        await tools["pid"]()
    assert isinstance(error.value, ConnectionError)
    with http_server(port):
        assert await tools["pid"]() != first


async def test_an_http_server_that_was_restarted_is_greeted_again(port: int) -> None:
    with http_server(port) as url:
        tools = await by_name(url=url)
        first = await tools["pid"]()
    with http_server(port):
        assert await tools["pid"]() != first


async def test_a_rerun_with_another_token_reuses_what_was_recorded() -> None:
    held = {"tools": await by_name(**STDIO, env={"TOKEN": "one-token"})}

    @flow
    async def who(ctx: Any) -> int:
        return await ctx.call(held["tools"]["pid"])

    run = who.start()
    first = await run
    held["tools"] = await by_name(**STDIO, env={"TOKEN": "another-token"})
    again = run.rerun()
    assert await again == first
    assert again.journal[0].reused


async def test_an_http_server_that_dies_in_a_call(port: int) -> None:
    with http_server(port) as url:
        tools = await by_name(url=url)
        with pytest.raises(agnt5.MCPConnectionLost, match="what was asked may be done"):
            await tools["die"]()


def test_a_tool_is_the_same_in_another_process(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import asyncio, os, sys\nfrom agnt5.execution.fingerprint import fingerprint\n"
        "from agnt5.mcp import mcp_tools\n"
        f"options = dict(command=sys.executable, args=[{str(PROGRAM)!r}, 'stdio'], env={{'TOKEN': str(os.getpid())}})\n"
        "tools = asyncio.run(mcp_tools(**options))\n"
        "print({tool.name: fingerprint(tool.fn) for tool in tools if tool.name in ('add', 'greet')})\n"
    )

    def once() -> str:
        return subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True).stdout

    first = once()
    assert first == once()
    digests = re.findall(r"digest=(b'.*?'|b\".*?\"), reason=''", first)
    assert len(set(digests)) == 2, first


async def test_approval_is_for_all_tools_or_the_named_ones() -> None:
    tools = await by_name(**STDIO, requires_approval=["add"])
    assert {name for name, tool in tools.items() if tool.requires_approval} == {"add"}
    with pytest.raises(agnt5.ConfigurationError, match="no tools called drop_tables"):
        await mcp_tools(**STDIO, requires_approval=["drop_tables"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "either command= .* or url="),
        ({"command": "x", "url": "http://localhost"}, "and not both"),
        ({"command": "x", "headers": {"A": "b"}}, "headers belong to url="),
        ({"url": "http://localhost", "env": {"A": "b"}}, "belong to command="),
        ({"url": "ftp://localhost"}, "begins with http"),
        ({"command": "x", "timeout": 0}, "above 0"),
    ],
)
async def test_arguments_that_cannot_work_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(agnt5.ConfigurationError, match=words):
        await mcp_tools(**arguments)


async def test_without_the_sdk_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(agnt5.ConfigurationError, match=re.escape('pip install "agnt5[mcp]"')):
        await mcp_tools("anything")


async def test_a_flow_may_not_open_a_connection_itself() -> None:
    @flow
    async def rash(ctx: Any) -> None:
        await mcp_tools(**STDIO)

    with pytest.raises(agnt5.RunFailed, match="Make the tools before the run"):
        await rash.run()


# Servers that mean no good


async def test_a_tool_that_no_model_could_use_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    tools = await by_name(command=sys.executable, args=[str(HOSTILE)])
    assert list(tools) == ["endless", "elsewhere", "picture", "ask_back"]
    left_out = [record.getMessage() for record in caplog.records]
    assert len(left_out) == 3
    assert "hostile_mcp.py` offers a tool that no model could use; it is left out. banana: " in left_out[1]


async def test_what_cannot_be_checked_is_a_tool_s_failure_and_not_the_run_s() -> None:
    tools = await by_name(command=sys.executable, args=[str(HOSTILE)])
    for name in ("endless", "elsewhere"):
        llm = ScriptedLLM([{"tool": name, "arguments": {"x": "1"}}, "done"])
        answer = await agnt5.Agent(f"victim of {name}", tools=[tools[name]], llm=llm).run("go")
        assert answer.messages[2].failed
        assert "cannot be checked, for the tool's own schema is wrong" in answer.messages[2].text


async def test_a_picture_that_is_none_is_said() -> None:
    tools = await by_name(command=sys.executable, args=[str(HOSTILE)])
    with pytest.raises(agnt5.MCPError, match="gave a picture that is no base64"):
        await tools["picture"]()


async def test_a_server_that_asks_back_hears_that_nobody_answers() -> None:
    tools = await by_name(command=sys.executable, args=[str(HOSTILE)])
    assert await tools["ask_back"]() == "Elicitation not supported"


async def test_a_list_of_tools_has_to_end() -> None:
    with pytest.raises(agnt5.MCPError, match="does not end its list of tools, after 14 of them"):
        await mcp_tools(command=sys.executable, args=[str(HOSTILE), "turning"])
