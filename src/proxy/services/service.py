"""What a service is: the one door to every model, in process or over HTTP."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import date

import msgspec

from common.authentication import Authentication
from common.request import Request, RequestResult
from common.tokenization import (
    DecodeRequest,
    DecodeRequestResult,
    TokenizationRequest,
    TokenizationRequestResult,
)
from common.toxicity import PerspectiveAPIRequest, PerspectiveAPIRequestResult
from proxy.clients.capabilities import Capabilities
from proxy.prices import Prices


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be asked. `group` is the group that quotas count for.

    What was added since the reference is of the deployment that answers by default.
    `capabilities` tells what it does with fields of a request, where that is not what its client
    says; `retired` is the day from which its provider answers no more.
    """

    group: str
    name: str
    display_name: str
    creator_organization: str
    description: str
    tags: list[str] = []
    training_co2e_cost: float | None = None
    # Added since the reference:
    max_sequence_length: int | None = None
    prices: Prices | None = None
    capabilities: dict[str, str | bool | int | None] = {}
    retired: date | None = None
    successor: str | None = None


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt with variables, its settings, and the values of the variables."""

    prompt: str
    settings: str
    environments: str


class GeneralInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a page or a client wants to know first."""

    version: str
    example_queries: list[Query]
    all_models: list[Model]


class DeploymentInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a run needs to know of the deployment that would serve a model.

    `identity` is everything that makes its answers its own; lengths are in tokens of `tokenizer`,
    null where they are not known. With a `max_output_length` (encoder and decoder) it bounds the
    completion, and `max_request_length` the prompt alone. `group` is the group that quotas count
    for.
    """

    name: str
    identity: dict[str, object]
    tokenizer: str | None = None
    max_sequence_length: int | None = None
    max_request_length: int | None = None
    max_output_length: int | None = None
    end_of_text_token: str = ""
    prefix_token: str = ""
    group: str = ""
    prices: Prices | None = None
    capabilities: Capabilities | None = None


class Service(ABC):
    """Asks models and tokenizers. All methods may be called from several threads at once."""

    def close(self) -> None:  # noqa: B027  # most services hold nothing
        """Let go of files and connections; no request may be under way."""

    @abstractmethod
    def get_general_info(self) -> GeneralInfo:
        """Return version, examples and models."""

    @abstractmethod
    def get_deployment(
        self, auth: Authentication, model: str, deployment: str | None = None
    ) -> DeploymentInfo:
        """Return what is known of the deployment that serves `model`.

        Raises:
            UnknownNameError: No deployment has this model.
        """

    @abstractmethod
    def make_request(
        self,
        auth: Authentication,
        request: Request,
        on_piece: Callable[[int, str], None] | None = None,
    ) -> RequestResult:
        """Ask a model. A provider's failure is returned as a result with outcome "error".

        Args:
            on_piece: Told the place of a completion and what is added to its text, as it comes
                where provider and service can; always a beginning of the text that is returned.

        Raises:
            AuthenticationError: The key is not known.
            QuotaError: The account may not spend more; nothing was asked.
            InvalidRequestError: The request can't be made as it is; nothing was asked.
        """

    def is_stored(self, auth: Authentication, request: Request) -> bool | None:
        """Whether the cache has an answer to `request`; None where that can't be told."""
        return None

    @abstractmethod
    def tokenize(
        self, auth: Authentication, request: TokenizationRequest
    ) -> TokenizationRequestResult:
        """Split a text into tokens.

        Raises:
            UnknownNameError: There is no such tokenizer.
        """

    @abstractmethod
    def decode(self, auth: Authentication, request: DecodeRequest) -> DecodeRequestResult:
        """Turn token ids back into text.

        Raises:
            UnknownNameError: There is no such tokenizer.
        """

    @abstractmethod
    def get_toxicity_scores(
        self, auth: Authentication, request: PerspectiveAPIRequest
    ) -> PerspectiveAPIRequestResult:
        """Score texts for toxicity; a text that can't be scored does not touch the others.

        Raises:
            UnknownNameError: There is no such scorer.
            MissingExtraError: The scorer needs a package that is not installed.
            ProviderError: The scorer can score no text at all.
        """
