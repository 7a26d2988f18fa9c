"""docs/models.md has a line for every provider, key, setting and field of a deployment."""

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from proxy import credentials
from proxy.deployment_files import catalogue_names
from proxy.deployments import Deployments, ModelDeployment
from proxy.prices import Prices
from proxy.settings import ServiceSettings

PAGE = (Path(__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
FIELDS = [
    field.encode_name
    for kind in (ServiceSettings, ModelDeployment)
    for field in msgspec.structs.fields(kind)
]


@pytest.mark.parametrize("name", catalogue_names())
def test_every_organisation_has_a_line(name: str) -> None:
    assert f"\n| `{name}/…` |" in PAGE


def test_no_organisation_is_described_that_is_not_there() -> None:
    assert set(re.findall(r"^\| `([\w-]+)/…` \|", PAGE, re.MULTILINE)) == set(catalogue_names())


@pytest.mark.parametrize("name", [*credentials._NAMES, *FIELDS])
def test_every_key_setting_and_field_is_named(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_the_examples_are_valid(tmp_path: Path) -> None:
    own, prices, paced = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "model_deployments.yaml").write_text(own, encoding="utf-8")
    (tmp_path / "prices.yaml").write_text(prices, encoding="utf-8")
    deployments = Deployments(tmp_path)
    assert deployments.group_of(deployments.get("mine/llama")) == "ours"
    assert deployments.get("openai/gpt-6.1-sol").name == "mine/azure"
    [entry] = yaml.safe_load(paced)
    (tmp_path / "model_deployments.yaml").write_text(
        yaml.safe_dump({"model_deployments": [entry]}), encoding="utf-8"
    )
    assert Deployments(tmp_path).get("mine/llama").requests_per_minute == 600
    [(name, shown)] = yaml.safe_load(prices).items()
    assert deployments.get(name).prices == msgspec.convert(shown, Prices)
