"""Where one order is. One object per order number."""

from agnt5.durable import object


@object
class OrderTracker:
    def __init__(self):
        self.status = "unknown"
        self.past = []

    async def move(self, status: str) -> str:
        """The order is at another place now."""
        self.past.append(self.status)
        self.status = status
        return status

    async def where(self) -> str:
        return self.status

    async def history(self) -> list:
        return [*self.past, self.status]
