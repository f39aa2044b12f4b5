"""What one customer and the service said to each other. One object per customer; calls come one at a time."""

from agnt5.durable import object


@object
class CustomerSession:
    def __init__(self):
        self.lines = []

    async def say(self, who: str, text: str) -> int:
        """Keep a line; returns how many there are."""
        self.lines.append([who, text])
        return len(self.lines)

    async def transcript(self) -> list:
        return self.lines
