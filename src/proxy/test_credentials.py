import logging
from pathlib import Path

import pytest

from common.errors import CredentialsError, InvalidRequestError
from common.object_spec import ObjectSpec
from proxy.credentials import FILE_NAME, Credentials, key_name_of, variable_of

COMPATIBLE = "proxy.clients.openai_compatible_client.OpenAICompatibleClient"
OPENAI = "proxy.clients.openai_client.OpenAIClient"
SECRET = "s3cr3t-of-a-provider"


def credentials(folder: Path, text: str = "", **environment: str) -> Credentials:
    if text:
        path = folder / FILE_NAME
        path.touch(0o600)
        path.write_text(text, encoding="utf-8")
    return Credentials(folder, environment)


def test_the_file_goes_before_the_environment(tmp_path: Path) -> None:
    found = credentials(tmp_path, 'openaiApiKey = "a"', OPENAI_API_KEY="b", XAI_API_KEY="c\n")
    assert found.get("openaiApiKey") == "a"
    assert found.get("xaiApiKey") == "c"
    assert found.get("groqApiKey") is None


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openaiApiKey", "OPENAI_API_KEY"),
        ("openaiOrgId", "OPENAI_ORG_ID"),
        ("ai21ApiKey", "AI21_API_KEY"),
        ("azureOpenaiApiKey", "AZURE_OPENAI_API_KEY"),
        ("huggingfaceAuthToken", "HUGGINGFACE_AUTH_TOKEN"),
    ],
)
def test_names_of_variables(name: str, variable: str) -> None:
    assert variable_of(name) == variable


def test_names_that_providers_know_their_variables_by(tmp_path: Path) -> None:
    found = credentials(tmp_path, GEMINI_API_KEY="a", HF_TOKEN="b", CO_API_KEY="c")
    assert found.get("googleApiKey") == "a"
    assert found.get("huggingfaceAuthToken") == "b"
    assert found.get("cohereApiKey") == "c"


def test_names_of_keys_follow_from_organisations() -> None:
    assert key_name_of("acme") == "acmeApiKey"
    assert key_name_of("azure-openai") == "azureOpenaiApiKey"


@pytest.mark.parametrize("text", ['openaiApiKye = "a"', '"sk-abc" = 1', 'acme_key = "a"'])
def test_a_name_that_is_not_known_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"unknown name in .*credentials\.conf"):
        credentials(tmp_path, text).get("openaiApiKey")


@pytest.mark.parametrize(
    "text",
    [
        f"openaiApiKey = [{SECRET}]",
        f"openaiApiKey = ${{{SECRET}}}",
        f"openaiApiKey {SECRET}",
        f"{SECRET}\n",
        f'openaiApiKey = "{SECRET}',
        f"deployments = {SECRET}",
        f"deployments {{ a = [{SECRET}] }}",
        "openaiApiKey = 12345",
    ],
)
def test_a_mistake_names_the_file_and_no_value(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        credentials(tmp_path, text).get("openaiApiKey")
    assert FILE_NAME in str(raised.value)
    assert SECRET not in str(raised.value)
    assert "12345" not in str(raised.value)


def test_a_missing_key_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"no groqApiKey: .*GROQ_API_KEY"):
        credentials(tmp_path).require("groqApiKey")
    with pytest.raises(CredentialsError, match="it has 'groqsApiKey'"):
        credentials(tmp_path, 'groqsApiKey = "a"').require("groqApiKey")


def test_a_file_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        credentials(tmp_path, 'openaiApiKey = "a"').get("openaiApiKey")
    assert caplog.messages == []
    (tmp_path / FILE_NAME).chmod(0o644)
    with caplog.at_level(logging.WARNING):
        assert Credentials(tmp_path, {}).get("openaiApiKey") == "a"
    assert "chmod 600" in caplog.text
    assert SECRET not in caplog.text


def test_no_value_is_in_a_repr(tmp_path: Path) -> None:
    found = credentials(tmp_path, f'openaiApiKey = "{SECRET}"')
    found.get("openaiApiKey")
    assert SECRET not in repr(found)


# --- For clients --------------------------------------------------------------------------------

FILE = """
openaiApiKey = "openai", openaiOrgId = "org", acmeApiKey = "acme", mistralApiKey = "mistral"
azureOpenaiApiKey = "azure", huggingfaceAuthToken = "hub"
deployments { "acme/special" = "special" }
"""
HERE = {"base_url": "http://127.0.0.1/v1"}


@pytest.mark.parametrize(
    ("deployment", "spec", "credential", "offered"),
    [
        ("openai/gpt", ObjectSpec(OPENAI), None, {"api_key": "openai", "organization": "org"}),
        ("acme/gpt", ObjectSpec(OPENAI), None, {"api_key": "openai", "organization": "org"}),
        # A key is not sent to another address than its provider's …
        ("openai/gpt", ObjectSpec(OPENAI, HERE), None, {}),
        ("openai/gpt", ObjectSpec(COMPATIBLE, HERE), None, {}),
        ("acme/gpt", ObjectSpec(COMPATIBLE, HERE), None, {"api_key": "acme"}),
        # … unless the deployment says so.
        ("mistral/m", ObjectSpec(COMPATIBLE, HERE), "mistralApiKey", {"api_key": "mistral"}),
        ("acme/special", ObjectSpec(COMPATIBLE, HERE), None, {"api_key": "special"}),
        ("acme/special", ObjectSpec(OPENAI), None, {"api_key": "special", "organization": "org"}),
        (
            "azure/gpt",
            ObjectSpec("proxy.clients.azure_openai_client.AzureOpenAIClient", HERE),
            None,
            {"api_key": "azure"},
        ),
        (
            "huggingface/gpt2",
            ObjectSpec("helm.clients.huggingface_client.HuggingFaceClient"),
            None,
            {"auth_token": "hub"},
        ),
    ],
)
def test_what_a_client_is_offered(
    tmp_path: Path,
    deployment: str,
    spec: ObjectSpec,
    credential: str | None,
    offered: dict[str, str],
) -> None:
    found = credentials(tmp_path, FILE).of_client(deployment, spec, credential)
    assert found == (offered, None)


@pytest.mark.parametrize(
    ("spec", "credential", "lacks"),
    [
        (ObjectSpec(OPENAI), None, "openaiApiKey"),
        (ObjectSpec("helm.clients.openai_client.OpenAIChatClient"), None, "openaiApiKey"),
        (ObjectSpec(OPENAI, {"api_key": "own"}), None, None),
        (ObjectSpec(COMPATIBLE, HERE), None, None),
        (ObjectSpec(COMPATIBLE, HERE), "xaiApiKey", "xaiApiKey"),
        (ObjectSpec("proxy.clients.simple_client.SimpleClient"), None, None),
    ],
)
def test_what_a_client_lacks(
    tmp_path: Path, spec: ObjectSpec, credential: str | None, lacks: str | None
) -> None:
    assert credentials(tmp_path).of_client("openai/gpt", spec, credential) == ({}, lacks)


def test_what_is_missing_is_told_without_the_whole_path(tmp_path: Path) -> None:
    said = credentials(tmp_path).missing("openaiApiKey")
    assert f"set it in {tmp_path.name}/credentials.conf" in said
    assert str(tmp_path) not in said  # who asks over HTTP need not know
