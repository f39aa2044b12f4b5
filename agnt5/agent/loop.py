"""One run of an agent: ask the model, carry out what it wants, until it answers. A flow's body, deterministic as one.

It must reach models, tools, people and memory through the context only, and must never decide by what is not recorded.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agnt5.agent.answer import Answer
from agnt5.agent.budget import Budget, Ledger, Spent
from agnt5.agent.checks import plain_input
from agnt5.agent.recall import Recall
from agnt5.agent.stream import Update
from agnt5.chat import ask
from agnt5.errors import ConfigurationError, OutputInvalid, RunPaused, TerminalError
from agnt5.execution.current import current
from agnt5.execution.ops import Op
from agnt5.llm.base import make_request, parsed
from agnt5.llm.types import Message, Reply, ToolCall, Usage, as_content

if TYPE_CHECKING:
    from agnt5.agent.agent import Agent
    from agnt5.context import Context

REPAIRS = 2
"""How often a model may correct an answer that does not fit the agent's `output_type`."""


class Exchange:
    """What one run knows while it goes on."""

    def __init__(self, ctx: Context, agent: Agent, session: str | None) -> None:
        self.ctx = ctx
        self.first = agent  # whose run it is; memory and budget are this one's
        self.agent = agent  # who speaks now
        self.session = session
        self.recall = None if agent.memory is None else Recall(agent.memory_of(session))
        self.box = agent.toolbox(self.recall)
        self.facts = ""
        self.history: list[Message] = []
        self.messages: list[Message] = []  # of this run
        self.usage = Usage()
        self.own = Spent()  # in this run
        self.spent = self.own  # what the budget counts: this run's, or its session's or agent's
        self.budget: Budget | None = None
        self.iterations = agent.max_iterations
        self.turns = 0
        self.questions = 0
        self.repairs = 0

    async def run(self, prompt: Any) -> Answer:
        asked = Message("user", as_content(plain_input(prompt), "the input"))
        await self._begin(asked)
        self.messages.append(asked)
        while True:
            await self._within_limits()
            reply = await self._ask()
            self.messages.append(reply.message)
            if reply.tool_calls:
                await self._carry_out(reply.tool_calls)
                continue
            output, problem = self._output(reply)
            if problem is None:
                return await self._end(asked, reply, output)
            await self._repair(problem)

    async def _begin(self, asked: Message) -> None:
        budget = self.first.budget
        if budget is not None:
            # Recorded, so that another budget after a restart is no other course of this run.
            self.budget = await self.ctx.operation("budget", {"agent": self.first.name}, _giving(budget))
            if budget.per != "run":
                self.spent = Spent.of(await (await self._ledger()).read())
        if self.recall is not None:
            self.facts, self.history = await self.recall.all(asked.text)

    async def _ask(self) -> Reply:
        agent = self.agent
        request = make_request(
            [*self._system(), *self.history, *self.messages],
            self.box.specs,
            agent.output_type,
            agent.temperature,
            agent.max_tokens,
            agent.timeout,
        )
        reply = await ask(self.ctx, self.ctx.find_llm(agent.model), request)
        self.turns += 1
        self.usage += reply.usage
        self.own = self.own.plus(reply.usage, reply.cost)
        await self._count(reply)
        return reply

    def _system(self) -> list[Message]:
        text = "\n\n".join(part for part in (self.agent.instructions, self.facts) if part)
        return [Message("system", text)] if text else []

    # Tools

    async def _carry_out(self, calls: tuple[ToolCall, ...]) -> None:
        handoff = next((call for call in calls if call.name in self.agent.handoff_tools), None)
        numbered: list[tuple[ToolCall, int]] = []
        for call in calls:
            self.questions += 1
            numbered.append((call, self.questions))
        work = [self._one(call, number, handoff) for call, number in numbered]
        self.messages.extend(await asyncio.gather(*work))
        if handoff is not None:
            self._hand_over(handoff)

    async def _one(self, call: ToolCall, number: int, handoff: ToolCall | None) -> Message:
        if call.name in self.agent.handoff_tools:
            text = "done" if call is handoff else "Another handoff of the same answer was carried out."
            return Message("tool", text, tool_call_id=call.id, name=call.name, failed=call is not handoff)
        return await self.box.call(self.ctx, call, number)

    def _hand_over(self, call: ToolCall) -> None:
        to = self.agent.handoff_tools[call.name]
        self.ctx.emit(Update("handoff", to.name, call, self.agent.name))
        self.agent = to
        self.box = to.toolbox(self.recall)

    # Limits

    async def _within_limits(self) -> None:
        """Pause for a person when the run has used what it was allowed."""
        while (reached := self._reached()) is not None:
            question = {"agent": self.first.name, "reached": reached, "turns": self.turns}
            more = await self.ctx.operation("allowance", question, _Allowance(self, reached).ask)
            self._allow(more, reached)

    def _reached(self) -> str | None:
        if self.turns >= self.iterations:
            return f"{self.turns} of {self.iterations} turns"
        return (self.budget.over(self.spent) or None) if self.budget is not None else None

    def _allow(self, more: Any, reached: str) -> None:
        if isinstance(more, Budget):
            self.budget = more
        elif isinstance(more, int) and not isinstance(more, bool) and more > 0:
            self.iterations = self.turns + more
        else:
            raise TerminalError(f"The agent {self.first.name!r} was not allowed to go on after {reached}.")

    async def _count(self, reply: Reply) -> None:
        if self.budget is None or self.budget.per == "run":
            self.spent = self.own
        else:
            self.spent = Spent.of(await (await self._ledger()).add(reply.usage.total, reply.cost or 0.0))

    async def _ledger(self) -> Any:
        assert self.budget is not None
        account = f"{self.first.name}/{self.session or ''}" if self.budget.per == "session" else self.first.name
        return await self.ctx.get_object(Ledger, account)

    # The end

    def _output(self, reply: Reply) -> tuple[Any, OutputInvalid | None]:
        if self.agent.output_type is None:
            return None, None
        try:
            return parsed(reply, self.agent.output_type).output, None
        except OutputInvalid as error:
            return None, error

    async def _repair(self, problem: OutputInvalid) -> None:
        self.repairs += 1
        if self.repairs > REPAIRS:
            raise OutputInvalid(
                f"The agent {self.agent.name!r} did not give a {self.agent.output_name} in {self.repairs} answers: "
                f"{problem}",
                text=problem.text,
            )
        self.messages.append(Message("user", f"{problem} Answer again, with the corrected JSON only."))

    async def _end(self, asked: Message, reply: Reply, output: Any) -> Answer:
        if reply.finish == "length":
            self.ctx.logger.warning(
                "the answer of the agent %r was cut off after %d tokens; raise its max_tokens=",
                self.agent.name,
                reply.usage.output,
            )
        if self.recall is not None:
            await self.recall.keep(asked.text, reply.text, self.ctx.run_id)
        return Answer(
            reply.text,
            messages=self.messages,
            usage=self.usage,
            cost=self.own.known_cost,
            run_id=self.ctx.run_id,
            agent=self.agent.name,
            output=output,
        )


class _Allowance:
    """The body of the step that asks a person for more."""

    __slots__ = ("_exchange", "_reached")

    def __init__(self, exchange: Exchange, reached: str) -> None:
        self._exchange = exchange
        self._reached = reached

    async def ask(self, question: Any) -> Any:
        exchange = self._exchange
        # The person may have raised the agent's own limits meanwhile, and the run holds a copy of it.
        agent = exchange.first.original
        if exchange.turns >= exchange.iterations:
            if agent.max_iterations > exchange.turns:
                return agent.max_iterations - exchange.turns
        elif agent.budget is not None and not agent.budget.over(exchange.spent):
            return agent.budget
        op = current.get()
        path = op.path if isinstance(op, Op) else "allowance"
        more = "5" if exchange.turns >= exchange.iterations else "Budget(...)"
        raise RunPaused(
            f"the agent {agent.name!r} has used {self._reached}. Nothing is lost: its transcript is in `run.journal`. "
            f"To let it go on, `run.resume(values={{{path!r}: {more}}})`, or raise the agent's own limit and "
            f"`run.resume()`"
        )


def _giving(value: Any) -> Any:
    async def give(record: Any) -> Any:
        return value

    return give


def check_prices(agent: Agent, llm: Any) -> None:
    """A budget in money needs a price. ConfigurationError before anything is spent."""
    from agnt5.llm.prices import price

    if agent.budget is not None and agent.budget.cost is not None and price(llm.provider, llm.model) is None:
        raise ConfigurationError(
            f"The agent {agent.name!r} has a budget in US dollars, and the price of {llm.name} is not known: "
            f"`agnt5.llm.set_price({llm.name!r}, input, output)`, dollars for a million tokens."
        )
