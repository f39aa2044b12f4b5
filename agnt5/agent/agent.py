"""The agent as its user makes it: settings, and the verbs that run it.

It holds settings only; what a run of it knows is in `loop`. Running it is running its component, a flow.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, Self, cast

from agnt5 import registry
from agnt5.agent.answer import Answer
from agnt5.agent.budget import Budget
from agnt5.agent.checks import check_session, check_settings, plain_input, several
from agnt5.agent.loop import Exchange, check_prices
from agnt5.agent.recall import Recall
from agnt5.agent.settings import agent_text
from agnt5.agent.stream import Update, updates
from agnt5.agent.toolbox import HumanInLoop, Toolbox
from agnt5.codec.annotations import register_classes
from agnt5.component import FLOW, Component, Composite, Parts, caller_module
from agnt5.errors import ConfigurationError
from agnt5.execution.current import current_context
from agnt5.extras import require_telemetry
from agnt5.llm import LLM, check_model, find_llm
from agnt5.llm.schema import Schema
from agnt5.tool import Tool, tool_name

if TYPE_CHECKING:
    from agnt5.memory import Memory
    from agnt5.run import Run


# How another agent's model sees this one.
_QUESTION = {
    "type": "object",
    "properties": {"prompt": {"type": "string", "description": "What to ask, with all it needs to know."}},
    "required": ["prompt"],
    "additionalProperties": False,
}


class Agent(Composite):
    """A model with instructions, tools and memory.

    `tools`: tools, functions, flows and other agents. `memory`: True for the agent's own, or a Memory. `human_in_loop`:
    True, and a person approves each tool call; a function of (tool name, arguments) says which ones. `llm`, or `model`
    as `provider/name`; else the configured one. `max_iterations`: questions to the model in one run. `budget`: what it
    may spend. `output_type`: a type or JSON schema that the answer must fit; `answer.output` is the value. `handoffs`:
    agents that it may hand the conversation to. `metrics`, `tracing`: report to OpenTelemetry.

    An agent of the same name replaces this one for later runs; runs in flight go on with the one they began with.
    """

    def __init__(
        self,
        name: str,
        instructions: str = "",
        tools: Sequence[Any] = (),
        memory: bool | Memory | None = None,
        human_in_loop: HumanInLoop = False,
        llm: LLM | None = None,
        model: str | None = None,
        max_iterations: int = 10,
        budget: Budget | None = None,
        output_type: Any = None,
        metrics: bool = False,
        tracing: bool = False,
        *,
        handoffs: Sequence[Agent] = (),
        description: str = "",
        temperature: float | None = None,
        max_tokens: int | None = None,
        timeout: float | None = None,
    ) -> None:
        if not name or not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"An agent needs a name, not {name!r}: its runs find their code again by it.")
        self.name = name
        self.instructions = instructions
        self.tools: tuple[Tool[..., Any], ...] = tuple(as_tool(one) for one in several("tools", tools))
        self.memory = memory or None
        self.human_in_loop = human_in_loop
        self.model: LLM | str | None = llm if llm is not None else model
        self.max_iterations = max_iterations
        self.budget = budget
        self.output_type = output_type
        if metrics:
            require_telemetry("Agent(metrics=True)")
        if tracing:
            require_telemetry("Agent(tracing=True)")
        self.metrics = metrics
        self.tracing = tracing
        self.handoffs: tuple[Agent, ...] = several("handoffs", handoffs)
        self.description = description
        self.temperature = temperature
        self.max_tokens = max_tokens
        self.timeout = timeout
        check_settings(self)
        if output_type is not None:
            Schema.of(output_type)  # a type without a schema is told here, not in a run
            register_classes(output_type)
        # As are tools of one name, those of its memory among them.
        self.toolbox(None if self.memory is None else Recall(self.memory_of(None)))
        self.original: Agent = self
        """Of the version that a run keeps: the agent it was copied from, whose limits a person may raise."""
        self._component = _component(self, caller_module())
        registry.define(self._component)

    # Running

    def start(
        self, prompt: Any, session: str | None = None, *, run_id: str | None = None, tags: dict[str, str] | None = None
    ) -> Run:
        """Begin a durable run and return at once. `prompt`: text, or parts such as `["What is this?", Image(...)]`.

        `session`: whose conversation it is; memories of one session are apart from another's.
        """
        prompt = self._ready(prompt, session)
        return self._component.start(prompt, run_id=run_id, tags=tags, **_session(session))

    def run(self, prompt: Any, session: str | None = None) -> Awaitable[Answer]:
        """Start and wait for the Answer. Inside a run: a child run, as `ctx.call(agent, prompt)` makes."""
        prompt = self._ready(prompt, session)
        return self._component.run(prompt, **_session(session))

    def run_sync(self, prompt: Any, session: str | None = None, *, timeout: float | None = None) -> Answer:
        """Start and block this thread for at most `timeout` seconds; safe inside a running event loop."""
        prompt = self._ready(prompt, session)
        return self._component.run_sync(prompt, timeout=timeout, **_session(session))

    async def stream(self, prompt: Any, session: str | None = None) -> AsyncIterator[Update]:
        """Start, and show what happens while it happens; the last update has the Answer. The run goes on if you stop
        listening. Not in a flow, where nothing but what is recorded may be seen."""
        async for update in updates(lambda: self.start(prompt, session)):
            yield update

    # Parts

    def as_tool(self, name: str | None = None, description: str | None = None) -> Tool[..., Any]:
        """This agent as a tool of another: a call is a run of its own, with the question as its input."""
        told = description or self.description or f"Ask the agent {self.name!r}. {self.instructions[:300]}".strip()
        return Tool(name=name or tool_name(self.name), function=self, description=told, parameters=_QUESTION)

    @property
    def handoff_tools(self) -> dict[str, Agent]:
        """Names of the tools by which it hands over."""
        made: dict[str, Agent] = {}
        for to in self.handoffs:
            if not isinstance(cast("Any", to), Agent):
                raise ConfigurationError(f"handoffs= are agents, not {to!r}; what it may call belongs into tools=.")
            name = f"transfer_to_{tool_name(to.name)}"
            if name in made:
                raise ConfigurationError(
                    f"The agent {self.name!r} could hand over to two agents by {name!r}; give one another name."
                )
            made[name] = to
        return made

    def toolbox(self, recall: Recall | None) -> Toolbox:
        """All that its model may call."""
        remembering = [] if recall is None else recall.tools()
        handing = [_handoff(name, to) for name, to in self.handoff_tools.items()]
        return Toolbox(self.name, [*self.tools, *remembering, *handing], self.human_in_loop)

    def with_model(self, model: LLM | str) -> Self:
        """The same agent with another model, for `run.fork(0, code=...)`. Later runs of its name are not its own."""
        check_model(model)
        other = self.__agnt5_copy__()
        other.model = model
        return other

    def memory_of(self, session: str | None) -> Memory:
        """Where this agent remembers, for one session."""
        from agnt5.memory import AUTO, Memory, SemanticMemory

        own = self.memory
        if own is None or isinstance(own, bool):
            own = Memory(semantic=SemanticMemory(embed=AUTO), namespace=f"agent/{self.name}")
        return own if session is None else own.within(session)

    @property
    def output_name(self) -> str:
        return Schema.of(self.output_type).name

    # What a run keeps of it

    @property
    def __agnt5_component__(self) -> Component[..., Any]:
        return self._component

    def __agnt5_parts__(self) -> Parts:
        asks = (self.human_in_loop,) if isinstance(self.human_in_loop, FunctionType) else ()
        return Parts(f"agent {self.name}", agent_text(self), (*self.tools, *self.handoffs, *asks))

    def __agnt5_copy__(self) -> Self:
        copied = copy.copy(self)
        copied._component = _component(copied, self._component.module)
        return copied

    def __agnt5_take__(self, code: tuple[Any, ...]) -> None:
        tools, handoffs = len(self.tools), len(self.handoffs)
        self.tools, self.handoffs = code[:tools], code[tools : tools + handoffs]
        for asks in code[tools + handoffs :]:
            self.human_in_loop = asks

    def _ready(self, prompt: Any, session: str | None) -> Any:
        """The input as a run takes it. What is missing is said before a run begins, not in it."""
        check_session(session)
        if current_context() is None:
            check_prices(self, find_llm(self.model))
        return plain_input(prompt)

    def __repr__(self) -> str:
        return f"<agent {self.name}>"


def as_tool(found: Any) -> Tool[..., Any]:
    """A tool from what people put into `tools=`."""
    if isinstance(found, Tool):
        return cast("Tool[..., Any]", found)
    if isinstance(found, Agent):
        return found.as_tool()
    if callable(found) or hasattr(found, "__agnt5_component__"):
        return Tool(function=found)
    raise ConfigurationError(f"{found!r} is no tool: give a function, a @tool, a Tool, a flow or an agent.")


def _component(agent: Agent, module: str) -> Component[..., Any]:
    async def body(ctx: Any, prompt: Any, session: str | None = None) -> Answer:
        return await Exchange(ctx, agent, session).run(prompt)

    body.__name__ = body.__qualname__ = agent.name
    body.__doc__ = agent.description or agent.instructions
    made: Component[..., Any] = Component(
        body, kind=FLOW, name=agent.name, trace=agent.tracing, metrics=agent.metrics, whole=agent
    )
    made.module = module
    return made


def _handoff(name: str, to: Agent) -> Tool[..., Any]:
    def transfer(reason: str = "") -> str:
        return reason

    told = to.description or to.instructions[:300]
    return Tool(name=name, function=transfer, description=f"Hand the conversation over to {to.name}. {told}".strip())


def _session(session: str | None) -> dict[str, str]:
    return {} if session is None else {"session": session}
