"""OpenAI's models on Azure, in both forms: deployments with an API version, and the newer v1 endpoint.

The model's name is the name of a deployment. An API version chooses the older form, its absence the newer one.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

from agnt5.errors import ConfigurationError
from agnt5.llm.clients import http_client, sdk
from agnt5.llm.keys import Key
from agnt5.llm.openai import OpenAILLM, connect

_V1 = "/openai/v1"


class AzureLLM(OpenAILLM):
    """A deployment on Azure.

    `base_url`: the resource, as in `https://NAME.openai.azure.com`, else AZURE_OPENAI_ENDPOINT. `api_version`, else
    OPENAI_API_VERSION: the older form, unless `base_url` ends in `/openai/v1`. `api_key` (AZURE_OPENAI_API_KEY) or
    `azure_ad_token` (AZURE_OPENAI_AD_TOKEN): text or an agnt5.Secret.
    """

    provider = "azure"
    key_variables: ClassVar[tuple[str, ...]] = ("AZURE_OPENAI_API_KEY",)

    def __init__(
        self,
        model: str,
        *,
        api_key: Any = None,
        base_url: str | None = None,
        api_version: str | None = None,
        azure_ad_token: Any = None,
    ) -> None:
        if api_key is not None and azure_ad_token is not None:
            raise ConfigurationError("Give an AzureLLM either api_key= or azure_ad_token=, not both.")
        super().__init__(model, api_key=api_key, base_url=base_url)
        self._version = api_version
        self._token = Key(azure_ad_token, "AZURE_OPENAI_AD_TOKEN", argument="azure_ad_token")
        self._key_given = api_key is not None
        self._key.instead = self._token.ways

    def _client(self) -> Any:
        openai = sdk("openai", "openai")
        resource = (self._base_url or os.environ.get("AZURE_OPENAI_ENDPOINT", "")).rstrip("/")
        if not resource:
            raise ConfigurationError(
                f"{self.name} needs the address of your Azure resource, as in https://NAME.openai.azure.com: set "
                f"AZURE_OPENAI_ENDPOINT, or give base_url=."
            )
        token = None if self._key_given else self._token.find()
        key = None if token else self._key.need(self.name)
        version = self._version or os.environ.get("OPENAI_API_VERSION")
        if resource.endswith(_V1) or not version:
            address = resource if resource.endswith(_V1) else resource + _V1
            return connect(openai, token or key, address)
        return openai.AsyncAzureOpenAI(
            azure_endpoint=resource,
            api_version=version,
            api_key=key,
            azure_ad_token=token,
            max_retries=0,
            http_client=http_client(openai),
        )

    def _limit_name(self) -> str:
        return "max_completion_tokens"
