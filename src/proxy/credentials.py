"""Keys of providers: `credentials.conf` in the base path (HOCON), or variables of the environment.

    openaiApiKey = "sk-…"                  # or the variable OPENAI_API_KEY
    deployments { "mine/llama" = "…" }     # of one deployment alone

The file goes before the environment. Values are shown nowhere: not in errors, logs or identities.
"""

import logging
import os
import re
import stat
import threading
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from common.errors import CredentialsError, InvalidRequestError, UnknownNameError
from common.hocon import read_hocon
from common.object_spec import ObjectSpec, resolved

FILE_NAME = "credentials.conf"

# Name of a key → further variables by which its provider's own tools know it.
_NAMES: dict[str, tuple[str, ...]] = {
    "ai21ApiKey": (),
    "anthropicApiKey": (),
    "azureOpenaiApiKey": (),
    "cohereApiKey": ("CO_API_KEY",),
    "deepseekApiKey": (),
    "googleApiKey": ("GEMINI_API_KEY",),
    "gooseaiApiKey": (),
    "groqApiKey": (),
    "huggingfaceAuthToken": ("HF_TOKEN",),
    "microsoftApiKey": (),
    "mistralApiKey": (),
    "openaiApiKey": (),
    "openrouterApiKey": (),
    "perspectiveApiKey": (),
    "togetherApiKey": (),
    "xaiApiKey": (),
    "gooseaiOrgId": (),
    "microsoftOrgId": (),
    "openaiOrgId": (),
}
# A provider of one's own: `acmeApiKey` for deployments named `acme/…`.
_OWN_NAME = re.compile(r"[a-z][a-zA-Z0-9]*(?:ApiKey|OrgId|AuthToken)")
_DEPLOYMENTS = "deployments"

# Clients that know their provider's address → the key that it asks for.
_KEYS_OF_CLIENTS = {
    "AI21Client": "ai21ApiKey",
    "AnthropicClient": "anthropicApiKey",
    "CohereClient": "cohereApiKey",
    "GoogleClient": "googleApiKey",
    "GooseAIClient": "gooseaiApiKey",
    "MicrosoftClient": "microsoftApiKey",
    "OpenAIClient": "openaiApiKey",
}
# Each customer has an address of its own.
_AZURE_CLIENT, _AZURE_KEY = "AzureOpenAIClient", "azureOpenaiApiKey"

logger = logging.getLogger(__name__)


class Credentials:
    """Keys by name, read when the first one is needed.

    Args:
        base_path: Folder that may hold `credentials.conf`.
        environment: Variables; default: those of this process.
    """

    def __init__(self, base_path: Path, environment: Mapping[str, str] | None = None) -> None:
        self._path = base_path / FILE_NAME
        self._environment = os.environ if environment is None else environment
        self._lock = threading.Lock()
        self._found: dict[str, str] | None = None

    def get(self, name: str) -> str | None:
        """Return the value of `name`, such as `openaiApiKey`, or None.

        Raises:
            InvalidRequestError: The file is not valid; names the place, never a value.
        """
        variables = (variable_of(name), *_NAMES.get(name, ()))
        values = [self._file().get(name), *(self._environment.get(it) for it in variables)]
        # A key read from a file often ends in a line break.
        return next((value.strip() for value in values if value and value.strip()), None)

    def of_deployment(self, name: str) -> str | None:
        """Return the key of the deployment called `name` alone, or None."""
        return self._file().get(f"{_DEPLOYMENTS}.{name}")

    def require(self, name: str) -> str:
        """Return the value of `name`.

        Raises:
            CredentialsError: There is none; says where to put it.
        """
        value = self.get(name)
        if value is None:
            raise CredentialsError(self.missing(name))
        return value

    def of_client(
        self, deployment: str, spec: ObjectSpec, credential: str | None = None
    ) -> tuple[dict[str, str], str | None]:
        """Return what to offer a deployment's client, by parameter name, and the key it lacks.

        A key goes to its own provider only: where `spec` names another address, a deployment has
        to name the key that is sent there.

        Args:
            credential: The key that the deployment names.
        """
        spec = resolved(spec)
        kind = spec.class_name.rpartition(".")[2]
        name, is_needed = _key_of(deployment, kind, spec, credential)
        key = self.of_deployment(deployment) or (self.get(name) if name else None)
        organization = self.get(name.removesuffix("ApiKey") + "OrgId") if name else None
        offered = {
            "api_key": key,
            "organization": organization,
            "auth_token": self.get("huggingfaceAuthToken") if "HuggingFace" in kind else None,
        }
        lacks = name if is_needed and not key and not spec.args.get("api_key") else None
        return {parameter: value for parameter, value in offered.items() if value}, lacks

    def missing(self, name: str) -> str:
        """What to say where the key `name` is needed, and there is none."""
        misspelt = get_close_matches(name, self._file(), n=1, cutoff=0.85)
        hint = f" (it has {misspelt[0]!r})" if misspelt else ""
        # The whole path is nothing for those who ask over HTTP.
        shown = f"{self._path.parent.name}/{self._path.name}"
        return (
            f"there is no {name}: set it in {shown}{hint}, or set the variable {variable_of(name)}"
        )

    def _file(self) -> dict[str, str]:
        with self._lock:
            if self._found is None:
                self._found = _read(self._path) if self._path.exists() else {}
            return self._found


def variable_of(name: str) -> str:
    """Return the variable of the environment for a key: `openaiApiKey` → `OPENAI_API_KEY`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


def key_name_of(organization: str) -> str:
    """Return the name of an organisation's key: `azure-openai` → `azureOpenaiApiKey`."""
    words: list[str] = re.findall(r"[a-z0-9]+", organization.lower())
    return "".join(words[:1] + [word.capitalize() for word in words[1:]]) + "ApiKey"


def _key_of(
    deployment: str, kind: str, spec: ObjectSpec, credential: str | None
) -> tuple[str | None, bool]:
    """The name of a deployment's key, and whether it can't be asked without."""
    if credential is not None:
        return credential, True
    if kind == _AZURE_CLIENT:
        return _AZURE_KEY, True
    if kind in _KEYS_OF_CLIENTS and "base_url" not in spec.args:
        return _KEYS_OF_CLIENTS[kind], True
    own = key_name_of(deployment.partition("/")[0])
    return None if own in _NAMES else own, False


def _read(path: Path) -> dict[str, str]:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        logger.warning("%s can be read by other users: chmod 600 it", path)
    try:
        tree = read_hocon(path)
    except InvalidRequestError as error:
        # The reason may quote what stands there.
        where = re.match(r".*, line \d+(?=:)", str(error))
        place = where[0] if where else f"{path}"
        raise InvalidRequestError(f'{place}: expected lines such as openaiApiKey = "…"') from None
    found: dict[str, str] = {}
    for name, value in tree.items():
        if name == _DEPLOYMENTS:
            found |= _of_deployments(value, path)
            continue
        if name not in _NAMES and not _OWN_NAME.fullmatch(name):
            raise UnknownNameError(f"name in {path}:", name, [*_NAMES, _DEPLOYMENTS])
        found[name] = _text(value, name, path)
    return found


def _of_deployments(tree: object, path: Path) -> dict[str, str]:
    if not isinstance(tree, dict):
        raise InvalidRequestError(f'{path}: {_DEPLOYMENTS} must be a table {{ "name" = "key" }}')
    return {f"{_DEPLOYMENTS}.{name}": _text(value, name, path) for name, value in tree.items()}


def _text(value: Any, name: str, path: Path) -> str:
    if not isinstance(value, str):
        raise InvalidRequestError(f"{path}: {name} must be a text: put it in quotes")
    return value
