"""The verbs of `%agnt5`, by name. Their modules are imported when the first of them is used."""

from __future__ import annotations

from functools import cache

from .verb import Call, Verb


@cache
def verbs() -> dict[str, Verb]:
    """All verbs, in the order in which help lists them."""
    from . import agents, comparing, files, forking, looking, remembering, settings, starting, steering, stepping

    groups = (starting, agents, looking, stepping, forking, comparing, steering, remembering, settings, files)
    return {verb.name: verb for group in groups for verb in group.VERBS}


__all__ = ["Call", "Verb", "verbs"]
