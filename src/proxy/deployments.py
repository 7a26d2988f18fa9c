"""Which models can be asked, and where: read from YAML, and from the command line.

A *model* is what is asked; a *deployment* is a place that serves it. The packaged file lists what
works out of the box; `model_deployments.yaml` in the base folder adds to it.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import yaml

from common.errors import InvalidRequestError, UnknownNameError
from common.object_spec import ObjectSpec
from proxy.services.service import Model

FILE_NAME = "model_deployments.yaml"
AD_HOC_ORGANIZATION = "openai-compatible"
AD_HOC_CLIENT = "proxy.clients.openai_compatible_client.OpenAICompatibleClient"


class ModelDeployment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that serves a model; `name` and `client_spec` are enough.

    Lengths are in tokens of `tokenizer_name`; null means not known, and prompts are then sent
    whole. `max_request_length` bounds prompt and completion together.
    """

    name: str
    client_spec: ObjectSpec
    model_name: str | None = None  # default: the deployment's own name
    tokenizer_name: str | None = None
    max_sequence_length: int | None = None
    max_request_length: int | None = None  # default: max_sequence_length
    prefix_token: str = ""
    end_of_text_token: str = ""

    @property
    def model(self) -> str:
        """The name of the model it serves."""
        return self.model_name or self.name


class TokenizerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tokenizer by name."""

    name: str
    tokenizer_spec: ObjectSpec


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    models: list[Model] = []
    tokenizers: list[TokenizerConfig] = []
    model_deployments: list[ModelDeployment] = []


class Deployments:
    """All known models, deployments and tokenizers.

    Args:
        base_path: Folder that may hold `model_deployments.yaml`.

    Raises:
        InvalidRequestError: The file is not valid; says where.
    """

    def __init__(self, base_path: Path) -> None:
        packaged = files("proxy").joinpath(FILE_NAME).read_text(encoding="utf-8")
        sources = [_parse(packaged, FILE_NAME)]
        own = base_path / FILE_NAME
        if own.exists():
            sources.append(_parse(own.read_text(encoding="utf-8"), str(own)))
        self._models = {model.name: model for file in sources for model in file.models}
        self._tokenizers = {item.name: item for file in sources for item in file.tokenizers}
        self._deployments = {item.name: item for file in sources for item in file.model_deployments}

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
        self._deployments[model] = ModelDeployment(name=model, client_spec=spec)

    @property
    def models(self) -> list[Model]:
        """Every model that some deployment serves, by name."""
        names = sorted({item.model for item in self._deployments.values()})
        return [self._models.get(name) or _plain_model(name) for name in names]

    def get(self, model: str, deployment: str | None = None) -> ModelDeployment:
        """Return `deployment`, or the first one that serves `model`.

        Raises:
            UnknownNameError: There is none.
        """
        if deployment is not None:
            if deployment not in self._deployments:
                raise UnknownNameError("deployment", deployment, self._deployments)
            found = self._deployments[deployment]
            if found.model != model:
                raise InvalidRequestError(
                    f"deployment {deployment!r} serves {found.model!r}, not {model!r}"
                )
            return found
        for item in self._deployments.values():
            if item.model == model:
                return item
        raise UnknownNameError(
            "model",
            model,
            [item.model for item in self._deployments.values()],
            f"add it to {FILE_NAME}, or use {AD_HOC_ORGANIZATION}/NAME with --base-url URL",
        )

    def get_tokenizer(self, name: str) -> TokenizerConfig:
        """Return the tokenizer called `name`.

        Raises:
            UnknownNameError: There is none.
        """
        if name not in self._tokenizers:
            raise UnknownNameError("tokenizer", name, self._tokenizers)
        return self._tokenizers[name]


def _plain_model(name: str) -> Model:
    organization = name.partition("/")[0]
    return Model(
        group=organization,
        name=name,
        display_name=name,
        creator_organization=organization,
        description="",
    )


def _parse(text: str, source: str) -> _File:
    try:
        return msgspec.convert(yaml.safe_load(text) or {}, _File)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise InvalidRequestError(f"{source}: {error}") from error
