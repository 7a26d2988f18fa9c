"""Client of OpenAI's own API, which tells by a model's name what the model takes.

API reference: https://platform.openai.com/docs/api-reference and …/docs/guides/reasoning
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from proxy.clients.capabilities import Capabilities
from proxy.clients.openai_compatible_client import OpenAICompatibleClient

BASE_URL = "https://api.openai.com/v1"
# Models that complete texts; all others chat.
_COMPLETES = re.compile(
    r"((text|code)-)?(davinci|curie|babbage|ada|cushman)\b.*|gpt-3\.5-turbo-instruct\b.*"
)
# Models that think before they answer, and take none of the fields below.
_REASONS = re.compile(r"o\d.*|gpt-([5-9]|\d\d)(?!.*\bchat\b).*")
_REASONING_LACKS = (
    *("temperature", "top_p", "presence_penalty", "frequency_penalty"),
    *("stop_sequences", "logprobs"),
)
_MAX_COMPLETION_CANDIDATES = 5


class OpenAIClient(OpenAICompatibleClient):
    """Asks a model of OpenAI.

    Models like `davinci-002` and `gpt-3.5-turbo-instruct` complete prompts, all others chat.
    Reasoning models (`o1`, `o3-mini`, `gpt-5` and later, but not `gpt-5-chat-latest`) are sent no
    sampling fields, no stop sequences and no log-probabilities. Fine-tuned models (`ft:…`) are what
    they were tuned from.

    Args:
        model_name: The model's name at OpenAI.
        unsupported: In place of what the name tells; as for `OpenAICompatibleClient`, as are the
            others.
    """

    def __init__(
        self,
        model_name: str,
        api_key: str | None = None,
        base_url: str = BASE_URL,
        organization: str | None = None,
        *,
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        unsupported: Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        name = model_name.removeprefix("ft:")
        completes = bool(_COMPLETES.fullmatch(name))
        self._reasons = bool(_REASONS.fullmatch(name))
        lacks = _REASONING_LACKS if self._reasons else ()
        super().__init__(
            base_url,
            model_name,
            "completions" if completes else "chat",
            api_key,
            organization,
            extra_body=extra_body,
            extra_headers=extra_headers,
            unsupported=lacks if unsupported is None else unsupported,
            max_tokens_field="max_tokens" if completes else "max_completion_tokens",
            max_candidates=_MAX_COMPLETION_CANDIDATES if completes else None,
            timeout=timeout,
        )

    @property
    def capabilities(self) -> Capabilities:
        return msgspec.structs.replace(super().capabilities, thinks=self._reasons)
