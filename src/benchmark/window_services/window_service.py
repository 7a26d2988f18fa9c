"""What fits into a model's window."""

from collections.abc import Callable

from common.authentication import Authentication
from common.tokenization import TokenizationRequest
from proxy.services.service import DeploymentInfo, Service


class WindowService:
    """Counts tokens as one model does, and knows how many it takes.

    Args:
        max_request_length: Bound on the tokens of prompt and completion together; None: not known,
            everything is taken to fit and the provider is left to refuse.
        count_tokens: Tokens of a text; None: not known.
    """

    def __init__(
        self,
        max_request_length: int | None = None,
        count_tokens: Callable[[str], int] | None = None,
    ) -> None:
        self._max_request_length = max_request_length if count_tokens else None
        self.count_tokens = count_tokens

    def fits(self, text: str, num_expected_tokens: int) -> bool:
        """Whether `text` leaves room for a completion of `num_expected_tokens` tokens."""
        if self._max_request_length is None or self.count_tokens is None:
            return True
        room = self._max_request_length - num_expected_tokens
        # No token is shorter than a byte, so a text of few bytes needs no tokenizer.
        return len(text.encode()) <= room or self.count_tokens(text) <= room

    @classmethod
    def of_deployment(
        cls, service: Service, auth: Authentication, deployment: DeploymentInfo
    ) -> "WindowService":
        """The window of `deployment`, counted by its tokenizer through `service`."""
        tokenizer = deployment.tokenizer
        if tokenizer is None:
            return cls()

        def count_tokens(text: str) -> int:
            return service.tokenize(
                auth, TokenizationRequest(text=text, tokenizer=tokenizer)
            ).num_tokens

        return cls(deployment.max_request_length, count_tokens)
