"""What all tests of models share: no key and no limit of one test reaches another, and none comes from the outside."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from agnt5.llm import limits
from agnt5.secret import forget_secrets

PREFIXES = ("OPENAI_", "AZURE_", "MISTRAL_", "TOGETHER_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "AGNT5_MODEL")


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(limits, "_limits", {})
    yield
    forget_secrets()


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All records of all loggers, those of the SDKs and of HTTP too."""
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "anthropic", "google_genai", "httpx", "httpx2", "httpcore", "httpcore2"):
        caplog.set_level(logging.DEBUG, name)
    return caplog
