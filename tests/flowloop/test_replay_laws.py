"""The law of the flow loop: the same completions in the same order give the same commands, at the same positions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowloop.corpus import CORPUS
from flowloop.noise import make_noise
from flowloop.world import record, replay


@pytest.mark.parametrize("name", CORPUS)
@settings(max_examples=30)
@given(data=st.data(), noise=st.integers(0, 1000))
def test_a_replay_repeats_every_command(name: str, data: st.DataObject, noise: int) -> None:
    choices = data.draw(st.lists(st.integers(0, 30), max_size=80))
    pick = iter(choices)
    recorded = record(CORPUS[name], lambda n: next(pick, 0))
    kept = make_noise(noise)
    replayed = replay(CORPUS[name], recorded)
    assert replayed == recorded
    assert kept


@pytest.mark.parametrize("name", CORPUS)
def test_what_the_corpus_does_is_worth_replaying(name: str) -> None:
    """Oldest first ends every flow, with commands and without a raised error."""
    story = record(CORPUS[name], lambda n: 0)
    assert story.flat
    assert not story.result.startswith("raised")
