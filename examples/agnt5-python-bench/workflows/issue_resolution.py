"""An issue from the report to the answer: support says what it is, and a technician is waited for when it is bad."""

from agents.technical_support import technical_support
from agnt5 import Context, EventTimeoutError, flow

TECHNICIAN = "technician"
DAYS = 24 * 3600


@flow
async def resolve_issue(ctx: Context, report: str) -> str:
    answer = await technical_support.run(report)
    diagnosis = answer.output
    if diagnosis.severity == "low":
        return diagnosis.advice
    try:
        name = await ctx.wait_for_event(TECHNICIAN, timeout=2 * DAYS)
    except EventTimeoutError:
        return f"{diagnosis.advice} No technician was free in two days."
    return f"{diagnosis.advice} {name} will come."
