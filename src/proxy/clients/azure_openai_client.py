"""Client of OpenAI's models at Azure.

API reference: https://learn.microsoft.com/azure/ai-services/openai/reference
"""

from collections.abc import Iterable, Mapping
from typing import Any, Never
from urllib.parse import quote

from common.errors import RejectedError
from proxy.clients.client import ProviderCall
from proxy.clients.openai_answers import Answer, Choice
from proxy.clients.openai_client import OpenAIClient
from proxy.clients.openai_requests import Asked
from proxy.clients.openai_stream import TextTeller
from proxy.http import Http, Response

API_VERSION = "2024-10-21"


class _FilteredError(RejectedError):
    """Azure refused to let the model see the prompt."""


class _AzureHttp(Http):
    def refuse(self, response: Response, body: bytes) -> Never:
        if response.status == 400 and b'"content_filter"' in body:
            raise _FilteredError(self.words(body))
        super().refuse(response, body)


class AzureOpenAIClient(OpenAIClient):
    """Asks a deployment of an Azure resource. A prompt that Azure filters counts as refused.

    Args:
        model_name: The model behind the deployment, in OpenAI's words: it tells what is taken.
        base_url: The resource, such as `https://NAME.openai.azure.com`.
        azure_deployment: The deployment's name at Azure; default: the model's.
        api_version: Of Azure's API.
        unsupported: As for `OpenAIClient`, as are the others.
    """

    _http_class = _AzureHttp

    def __init__(
        self,
        model_name: str,
        base_url: str,
        api_key: str | None = None,
        azure_deployment: str | None = None,
        api_version: str = API_VERSION,
        *,
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        unsupported: Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        path = f"openai/deployments/{quote(azure_deployment or model_name, safe='')}"
        super().__init__(
            model_name,
            api_key,
            f"{base_url.rstrip('/')}/{path}?api-version={quote(api_version, safe='')}",
            extra_body=extra_body,
            extra_headers=extra_headers,
            unsupported=unsupported,
            timeout=timeout,
        )

    def _credentials(self, api_key: str | None, organization: str | None) -> dict[str, str]:
        return {"api-key": api_key.strip()} if api_key else {}

    def _ask(
        self, call: ProviderCall, asked: Asked, deadline: float, tellers: list[TextTeller]
    ) -> Answer:
        try:
            return super()._ask(call, asked, deadline, tellers)
        except _FilteredError:
            filtered = Choice(text="", finish_reason="content_filter")
            return Answer([filtered] * asked.n, self._dialect.model_name)
