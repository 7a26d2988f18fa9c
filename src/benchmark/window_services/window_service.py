"""What fits into a model's window."""

from collections.abc import Callable

from common.authentication import Authentication
from common.errors import BenchError, InvalidRequestError
from common.token_text import guess_tokens, text_bytes, token_bytes
from common.tokenization import TokenizationRequest
from proxy.services.service import DeploymentInfo, Service

# Behind what an encoder reads stands a mark of its end.
_NUM_END_TOKENS = 1


class WindowService:
    """Splits text as one model does, and knows how much it takes.

    Args:
        max_request_length: Bound on the tokens of prompt and completion together; None: not known,
            everything is taken to fit and the provider is left to refuse.
        tokenize: The text of each token of a text; None: not known, and then no bound is.
        max_sequence_length: Bound on the tokens that are scored at once.
        max_output_length: Bound on the tokens of a completion, where the encoder that reads prompts
            and the decoder that writes have a window each; `max_request_length` is the encoder's.
        prefix_token: What stands before a text whose first token is to be scored, or "".
    """

    def __init__(
        self,
        max_request_length: int | None = None,
        tokenize: Callable[[str], list[str]] | None = None,
        *,
        max_sequence_length: int | None = None,
        max_output_length: int | None = None,
        prefix_token: str = "",
    ) -> None:
        self._has_own_output = max_output_length is not None
        self.max_request_length = max_request_length if tokenize else None
        self.max_sequence_length = max_sequence_length
        self.prefix_token = prefix_token
        self.guessed_because = ""  # why tokens are only guessed, if they are
        self._tokenize = tokenize

    @property
    def count_tokens(self) -> Callable[[str], int] | None:
        """Counts the tokens of a text; None where that is not known."""
        return None if self._tokenize is None or self.guessed_because else self.num_tokens

    def split(self, text: str) -> list[bytes]:
        """Return the bytes of each token of `text`, which together are `text`.

        Raises:
            InvalidRequestError: The tokenizer changes the text.
        """
        assert self._tokenize is not None
        pieces = list(map(token_bytes, self._tokenize(text)))
        if b"".join(pieces) != text_bytes(text):
            raise InvalidRequestError(
                "the model's tokenizer changes the text, so it can't be scored in windows: "
                f"{text[:40]!r} …"
            )
        return pieces

    def num_tokens(self, text: str) -> int:
        """Return the number of tokens of `text`."""
        assert self._tokenize is not None
        return len(self._tokenize(text))

    def fits(self, text: str, num_expected_tokens: int) -> bool:
        """Whether `text` leaves room for a completion of `num_expected_tokens` tokens."""
        if self.max_request_length is None:
            return True
        taken = _NUM_END_TOKENS if self._has_own_output else num_expected_tokens
        room = self.max_request_length - taken
        # No token is shorter than a byte, so a text of few bytes needs no tokenizer.
        return len(text.encode()) <= room or self.num_tokens(text) <= room

    @classmethod
    def of_deployment(
        cls, service: Service, auth: Authentication, deployment: DeploymentInfo
    ) -> "WindowService":
        """The window of `deployment`, counted by its tokenizer through `service`."""
        tokenizer = deployment.tokenizer
        if tokenizer is None:
            return cls(prefix_token=deployment.prefix_token)

        def tokenize(text: str) -> list[str]:
            request = TokenizationRequest(text=text, tokenizer=tokenizer)
            return [str(token.value) for token in service.tokenize(auth, request).tokens]

        return cls(
            deployment.max_request_length,
            tokenize,
            max_sequence_length=deployment.max_sequence_length,
            max_output_length=deployment.max_output_length,
            prefix_token=deployment.prefix_token,
        )

    @classmethod
    def for_planning(
        cls, service: Service, auth: Authentication, deployment: DeploymentInfo
    ) -> "WindowService":
        """The window of `deployment`; where its tokenizer can't be had here, one that guesses.

        A token is then taken for `BYTES_PER_TOKEN` bytes: enough to plan with, and never to ask
        with. `guessed_because` says what was in the way.
        """
        exact = cls.of_deployment(service, auth, deployment)
        if deployment.tokenizer is None:
            return exact
        try:
            exact.num_tokens("a")
            return exact
        except BenchError as error:
            window = cls(
                deployment.max_request_length,
                guess_tokens,
                max_sequence_length=deployment.max_sequence_length,
                max_output_length=deployment.max_output_length,
                prefix_token=deployment.prefix_token,
            )
            window.guessed_because = str(error)
            return window
