"""A flow that waits for a person. The event may come while it waits, before, or after a restart."""

import agnt5
from agnt5 import Context, flow


@flow
async def publish(ctx: Context, title: str) -> str:
    decision = await ctx.wait_for_event(f"approval:{title}", timeout=3600)
    return f"{title}: {'published' if decision['ok'] else 'withdrawn'} ({decision['by']})"


if __name__ == "__main__":
    run = publish.start("spring issue")
    # Elsewhere, this is the command line: agnt5 event "approval:spring issue" '{"ok": true, "by": "Ada"}'
    agnt5.send_event("approval:spring issue", {"ok": True, "by": "Ada"})
    print(run.result())
