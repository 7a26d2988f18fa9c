"""Which models can be asked, and where: read from YAML, and from the command line.

A *model* is what is asked; a *deployment* is a place that serves it. The packaged catalogue, one
file an organisation, lists what works out of the box, and is read as far as it is needed;
`model_deployments.yaml` in the base folder goes before it.
"""

import threading
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from common.errors import InvalidRequestError, UnknownNameError
from common.object_spec import ObjectSpec
from proxy.clients.capabilities import Capabilities
from proxy.deployment_files import (
    PRICES_FILE_NAME,
    catalogue_file,
    catalogue_names,
    convert_items,
    packaged_file,
    read_prices,
    read_yaml,
)
from proxy.prices import Prices
from proxy.services.service import Model

FILE_NAME = "model_deployments.yaml"
TOKENIZERS_FILE_NAME = "tokenizer_configs.yaml"
AD_HOC_ORGANIZATION = "openai-compatible"
AD_HOC_CLIENT = "proxy.clients.openai_compatible_client.OpenAICompatibleClient"


class ModelDeployment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that serves a model; `name` and `client_spec` are enough.

    Lengths are in tokens of `tokenizer_name`; null means not known, and prompts are then sent
    whole. `max_request_length` bounds prompt and completion together; where there is a
    `max_output_length` (encoder and decoder), it bounds the prompt, and that the completion.
    """

    name: str
    client_spec: ObjectSpec
    model_name: str | None = None  # default: the deployment's own name
    tokenizer_name: str | None = None
    max_sequence_length: int | None = None
    max_request_length: int | None = None  # default: max_sequence_length
    max_output_length: int | None = None
    prefix_token: str = ""
    end_of_text_token: str = ""
    group: str | None = None  # which quotas its calls count for; default: the model's
    credential: str | None = None  # name of the key that it can't do without
    prices: Prices | None = None
    capabilities: dict[str, str | bool | int | None] = {}  # where the client's own are wrong
    max_in_flight: int | None = None  # what it takes, of all processes; null is found by trying
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    retired: date | None = None  # from this day on it answers no more
    successor: str | None = None  # the model to ask then
    num_gpus: float = 0  # that a worker of `--runner ray` needs to itself; below 1: shared

    def __post_init__(self) -> None:
        if self.num_gpus < 0 or (self.num_gpus > 1 and self.num_gpus % 1):
            raise ValueError(
                f"num_gpus must be 0, a share of 1 or a whole number, not {self.num_gpus}"
            )
        # Also where nobody asks for them: a typo is told at the start.
        for name in self.capabilities:
            if name not in Capabilities.__struct_fields__:
                error = UnknownNameError("capability", name, Capabilities.__struct_fields__)
                raise ValueError(str(error))
        msgspec.convert(self.capabilities, Capabilities)
        for name in ("max_in_flight", "requests_per_minute", "tokens_per_minute"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise ValueError(f"{name} must be at least 1, not {limit}")

    @property
    def model(self) -> str:
        """The name of the model it serves."""
        return self.model_name or self.name

    @property
    def is_retired(self) -> bool:
        """Whether its provider answers no more."""
        return self.retired is not None and self.retired <= datetime.now(UTC).date()


class TokenizerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tokenizer by name."""

    name: str
    tokenizer_spec: ObjectSpec


class _ModelEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model in a file: what is left out follows from its name."""

    name: str
    group: str | None = None
    display_name: str | None = None
    creator_organization: str | None = None
    description: str = ""
    tags: list[str] = []
    training_co2e_cost: float | None = None


class _AnyModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the models of a host are asked that no list names; `name` is the organisation."""

    name: str
    client_spec: ObjectSpec
    credential: str


_KINDS: dict[str, type[msgspec.Struct]] = {
    "models": _ModelEntry,
    "tokenizers": TokenizerConfig,
    "model_deployments": ModelDeployment,
    "any_model": _AnyModel,
}


class Deployments:
    """All known models, deployments and tokenizers. May be used by several threads at once.

    Args:
        base_path: Folder that may hold `model_deployments.yaml` and `prices.yaml`.

    Raises:
        InvalidRequestError: A file is not valid; says where.
    """

    def __init__(self, base_path: Path) -> None:
        self._lock = threading.RLock()
        self._entries: dict[str, _ModelEntry] = {}
        self._tokenizers: dict[str, TokenizerConfig] = {}
        self._deployments: dict[str, ModelDeployment] = {}
        self._by_model: dict[str, list[ModelDeployment]] = {}
        self._any_model: dict[str, _AnyModel] = {}
        self._not_read = set(catalogue_names())
        own = base_path / FILE_NAME
        self._prices = read_prices(base_path)
        # What is added first goes before what comes later.
        if own.exists():
            self._add(read_yaml(own), str(own))
        for name in (FILE_NAME, TOKENIZERS_FILE_NAME):
            self._add(packaged_file(name), name)
        self._check_prices(base_path / PRICES_FILE_NAME)

    def add_ad_hoc(self, model: str, base_url: str, args: dict[str, Any]) -> None:
        """Make `openai-compatible/NAME` known, served at `base_url`.

        Args:
            args: More arguments of the client, such as `api` and `api_key`.
        """
        organization, _, name = model.partition("/")
        if organization != AD_HOC_ORGANIZATION or not name:
            raise InvalidRequestError(
                f"--base-url goes with --model {AD_HOC_ORGANIZATION}/NAME, not {model!r}"
            )
        spec = ObjectSpec(AD_HOC_CLIENT, {"base_url": base_url, "model_name": name, **args})
        made = self._priced(ModelDeployment(name=model, client_spec=spec))
        self._deployments[model] = made
        self._by_model[model] = [made]

    @property
    def models(self) -> list[Model]:
        """Every model that some deployment serves, by name."""
        self._read_all()
        return [self._model(name) for name in sorted(self._by_model)]

    def get(self, model: str, deployment: str | None = None) -> ModelDeployment:
        """Return `deployment`, or the first one that serves `model` and is not retired.

        Raises:
            UnknownNameError: There is none.
        """
        if deployment is not None:
            return self._named(model, deployment)
        serving = self._by_model.get(model) or self._serving(model)
        return next((item for item in serving if not item.is_retired), serving[0])

    def group_of(self, deployment: ModelDeployment) -> str:
        """Return the group of models whose quotas the calls of `deployment` count for."""
        entry = self._entries.get(deployment.model)
        of_model = entry.group if entry else None
        return deployment.group or of_model or deployment.model.partition("/")[0]

    def get_tokenizer(self, name: str) -> TokenizerConfig:
        """Return the tokenizer called `name`.

        Raises:
            UnknownNameError: There is none.
        """
        if name not in self._tokenizers:
            self._read(name.partition("/")[0])
        if name not in self._tokenizers:
            raise UnknownNameError("tokenizer", name, self._tokenizers)
        return self._tokenizers[name]

    def _named(self, model: str, name: str) -> ModelDeployment:
        if name not in self._deployments:
            self._read(name.partition("/")[0])
        found = self._deployments.get(name) or self._made_up(name)
        if found is None:
            self._read_all()
            raise UnknownNameError("deployment", name, self._deployments)
        if found.model != model:
            raise InvalidRequestError(f"deployment {name!r} serves {found.model!r}, not {model!r}")
        return found

    def _serving(self, model: str) -> list[ModelDeployment]:
        self._read(model.partition("/")[0])
        if model not in self._by_model:
            made = self._made_up(model)
            if made is not None:
                return [made]
            self._read_all()
        if model not in self._by_model:
            raise UnknownNameError(
                "model",
                model,
                self._by_model,
                f"add it to {FILE_NAME}, or use {AD_HOC_ORGANIZATION}/NAME with --base-url URL",
            )
        return self._by_model[model]

    def _made_up(self, name: str) -> ModelDeployment | None:
        """A deployment of a host that serves more models than a list can name."""
        organization, _, engine = name.partition("/")
        host = self._any_model.get(organization)
        if host is None or not engine:
            return None
        return ModelDeployment(
            name=name,
            client_spec=host.client_spec,
            credential=host.credential,
            prices=self._prices.get(name),
        )

    # --- Files ----------------------------------------------------------------------------------

    def _read_all(self) -> None:
        for name in sorted(self._not_read):
            self._read(name)

    def _read(self, organization: str) -> None:
        with self._lock:
            if organization in self._not_read:
                self._add(catalogue_file(organization), f"catalogue of {organization}")
                self._not_read.remove(organization)

    def _add(self, tree: object, source: str) -> None:
        lists = convert_items(tree, _KINDS, source)
        for kept, key in (
            (self._entries, "models"),
            (self._tokenizers, "tokenizers"),
            (self._any_model, "any_model"),
        ):
            for item in lists[key]:
                kept.setdefault(item.name, item)
        serving: dict[str, list[ModelDeployment]] = {}
        for item in lists["model_deployments"]:
            if item.name not in self._deployments:
                item = self._priced(item)
                self._deployments[item.name] = item
                serving.setdefault(item.model, []).append(item)
        # Other threads read these lists without a lock, so they are replaced and never changed.
        for model, added in serving.items():
            self._by_model[model] = [*self._by_model.get(model, []), *added]

    # --- Models ---------------------------------------------------------------------------------

    def _model(self, name: str) -> Model:
        found = self.get(name)
        organization = name.partition("/")[0]
        entry = self._entries.get(name) or _ModelEntry(name=name)
        return Model(
            group=self.group_of(found),
            name=name,
            display_name=entry.display_name or name,
            creator_organization=entry.creator_organization or organization,
            description=entry.description,
            tags=entry.tags,
            training_co2e_cost=entry.training_co2e_cost,
            max_sequence_length=found.max_sequence_length,
            prices=found.prices,
            capabilities=found.capabilities,
            retired=found.retired,
            successor=found.successor,
        )

    # --- Prices ---------------------------------------------------------------------------------

    def _priced(self, item: ModelDeployment) -> ModelDeployment:
        prices = self._prices.get(item.name) or self._prices.get(item.model)
        return msgspec.structs.replace(item, prices=prices) if prices else item

    def _check_prices(self, path: Path) -> None:
        for name in self._prices:
            self._read(name.partition("/")[0])
            if not self._is_known(name):
                self._read_all()
            if not self._is_known(name):
                raise UnknownNameError(f"model in {path}:", name, self._by_model)

    def _is_known(self, name: str) -> bool:
        organization = name.partition("/")[0]
        return (
            name in self._by_model
            or name in self._deployments
            or organization in self._any_model
            or organization == AD_HOC_ORGANIZATION
        )
