from pathlib import Path
from typing import Any

import pytest

from common.json_files import write_json, write_json_list


@pytest.mark.parametrize(
    "items",
    [
        [],
        [1],
        ["a\nb", {"c": [], "d": {}}, [[1, 2], {"e": None}], '\u2028 " ]\n}'],
    ],
)
def test_a_list_written_item_by_item_is_the_same_file(tmp_path: Path, items: list[Any]) -> None:
    fields = {"name": "x", "tags": ["a", "b"]}
    write_json(tmp_path / "whole", {**fields, "instances": items})
    write_json_list(tmp_path / "parts", fields, "instances", iter(items))
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
