import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmark.adapters.adapter_factory import make_adapter
from benchmark.run_specs.registry import make_run_spec
from benchmark.scenarios.custom_scenario import CustomScenario
from benchmark.scenarios.scenario import Instance
from benchmark.window_services.window_service import WindowService
from common.errors import DataError, InvalidRequestError, UnknownNameError

LIMA = {"input": "Capital of Peru?", "references": ["Lima", "Lima City"], "split": "train"}
NAIROBI = {"input": "Capital of Kenya?", "references": ["Nairobi"]}
CHOICE = {"input": "2+2?", "references": ["3", "4"], "correct": "4", "split": "valid"}


def load(tmp_path: Path, name: str, content: str, choice: bool = False) -> list[Instance]:
    (tmp_path / name).write_text(content, encoding="utf-8")
    return CustomScenario(str(tmp_path / name), choice).get_instances(tmp_path / "data")


def lines(*rows: Any) -> str:
    return "\n".join(map(json.dumps, rows)) + "\n"


def plain(instances: list[Instance]) -> list[Any]:
    return [
        (it.input, it.split, [(ref.output, ref.is_correct) for ref in it.references])
        for it in instances
    ]


def test_json_lines(tmp_path: Path) -> None:
    assert plain(load(tmp_path, "my.jsonl", lines(LIMA, NAIROBI, CHOICE))) == [
        ("Capital of Peru?", "train", [("Lima", True), ("Lima City", True)]),
        ("Capital of Kenya?", "test", [("Nairobi", True)]),
        ("2+2?", "valid", [("3", False), ("4", True)]),
    ]


def test_a_csv_file_says_the_same(tmp_path: Path) -> None:
    content = (
        "split,input,references,correct\n"
        'train,"Capital of Peru?","[""Lima"", ""Lima City""]",\n'
        ",Capital of Kenya?,Nairobi,\n"
        '\nvalid,2+2?,"[""3"", ""4""]",4\n'
    )
    assert plain(load(tmp_path, "my.csv", content)) == plain(
        load(tmp_path, "my.jsonl", lines(LIMA, NAIROBI, CHOICE))
    )


def test_a_zipped_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "my.jsonl.gz"
    path.write_bytes(gzip.compress(lines(NAIROBI).encode()))
    assert len(CustomScenario(str(path)).get_instances(tmp_path)) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"input": "a"}, "line 2: Object missing required field `references`"),
        (
            {"input": 1, "references": []},
            r"line 2: Expected `str`, got `int` - at `\$.input`",
        ),
        (NAIROBI | {"refs": []}, "line 2: Object contains unknown field `refs`"),
        (NAIROBI | {"split": "dev"}, r"line 2: Invalid enum value 'dev' - at `\$.split`"),
        (
            NAIROBI | {"correct": ["Lima"]},
            "line 2: `correct` has 'Lima', which is none of the references: 'Nairobi'",
        ),
        ("text", "line 2: Expected `object`, got `str`"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(DataError, match=rf"my.jsonl {message}"):
        load(tmp_path, "my.jsonl", lines(LIMA, row))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (NAIROBI, "`references` needs two choices or more, not 1"),
        (CHOICE | {"correct": ["3", "4"]}, "`correct` makes every choice right"),
        (CHOICE | {"correct": []}, "`correct` makes no choice right; name the right one"),
        (LIMA, "`correct` makes every choice right; name the right one"),
    ],
)
def test_choices_are_checked(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(DataError, match=rf"my.jsonl line 2: {message}"):
        load(tmp_path, "my.jsonl", lines(CHOICE, row), choice=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('input,references\na,"[1"\n', r"line 2: references: not valid JSON"),
        ("input,references\na,b,c\n", r"line 2: 3 cells for the columns input, references"),
        ("input,reference\na,b\n", "line 1: no column is called 'reference'; there are input, re"),
        ("input;references\na;b\n", "line 1: no column is called 'input;references'.*with commas"),
        ("input,input,references\n", "line 1: the column 'input' stands there twice"),
        ("references,split\n", "line 1: no column 'input', only references, split"),
        ("input,references,split\na,b,Test\n", r"line 2: Invalid enum value 'Test'"),
    ],
)
def test_a_malformed_csv_row_is_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"my.csv {message}"):
        load(tmp_path, "my.csv", content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('input,references\na,b\n"c,d\ne,f\ng,h\n', "row from line 3: unexpected end of data"),
        ('input,references\n"a"x,b\n', "row from line 2: ',' expected after .*written twice"),
    ],
)
def test_a_row_with_odd_quotes_is_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"my.csv, {message}"):
        load(tmp_path, "my.csv", content)


def test_a_row_of_several_lines_is_named_by_its_first(tmp_path: Path) -> None:
    content = 'input,references,split\n"a\nb",c,test\n"d\ne",f,dev\n'
    with pytest.raises(DataError, match=r"my.csv line 4: Invalid enum value 'dev'"):
        load(tmp_path, "my.csv", content)


def test_a_text_may_be_long_and_begin_with_a_mark(tmp_path: Path) -> None:
    text = "word " * 100_000
    rows = [NAIROBI | {"input": text}]
    for name, content in (
        ("my.csv", f"input,references\n{text},Nairobi\n"),
        ("my.jsonl", lines(*rows)),
    ):
        [instance] = load(tmp_path, name, "\ufeff" + content)
        assert instance.input == text


@pytest.mark.parametrize("name", ["my.csv", "my.jsonl"])
def test_files_that_hold_nothing_or_no_text(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"{name}: there is no row in it"):
        load(tmp_path, name, "\n")
    path = tmp_path / name
    path.write_bytes(b"\ninput: caf\xe9")
    with pytest.raises(DataError, match=f"{name} line 2: byte 0xe9 is not UTF-8; save it as"):
        CustomScenario(str(path)).get_instances(tmp_path)


def test_a_list_of_objects_is_not_lines_of_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"my.jsonl line 1: .*; a line is one object"):
        load(tmp_path, "my.jsonl", json.dumps([NAIROBI], indent=1))


def test_other_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match=r"my.json does not end with .jsonl or .csv"):
        CustomScenario("my.json")
    with pytest.raises(DataError, match=r"my.jsonl: no such file"):
        CustomScenario(str(tmp_path / "my.jsonl")).get_instances(tmp_path)
    with pytest.raises(DataError, match=r"my.jsonl line 1: not valid JSON"):
        load(tmp_path, "my.jsonl", "{input: a}")
    with pytest.raises(DataError, match=r"my.jsonl: no row with the split valid or test"):
        load(tmp_path, "my.jsonl", lines(LIMA))


# --- The run spec ---------------------------------------------------------------------------------


def prompt(tmp_path: Path, args: dict[str, Any], *rows: Any) -> str:
    path = tmp_path / "my.jsonl"
    path.write_text(lines(*rows), encoding="utf-8")
    run_spec = make_run_spec("custom", {"path": str(path)} | args)
    scenario = CustomScenario(**run_spec.scenario_spec.args)
    adapter = make_adapter(run_spec.adapter_spec, WindowService())
    [state] = adapter.adapt(*adapter.select(scenario.get_instances(tmp_path)))
    return state.request.prompt


def test_an_answer_is_generated(tmp_path: Path) -> None:
    args = {"instructions": "Answer.", "input_name": "Q", "output_name": "A"}
    assert prompt(tmp_path, args, LIMA, NAIROBI) == (
        "Answer.\n\nQ: Capital of Peru?\nA: Lima\n\nQ: Capital of Kenya?\nA:"
    )


def test_an_answer_is_chosen(tmp_path: Path) -> None:
    args = {"method": "multiple_choice_joint"}
    assert prompt(tmp_path, args, CHOICE | {"split": "train"}, CHOICE) == (
        "Input: 2+2?\nA. 3\nB. 4\nOutput: B\n\nInput: 2+2?\nA. 3\nB. 4\nOutput:"
    )


def test_the_name_has_what_is_given() -> None:
    run_spec = make_run_spec("custom", {"path": "my.jsonl"})
    assert run_spec.name == "custom:path=my.jsonl"
    args = {"path": "my.jsonl", "method": "multiple_choice_joint", "max_tokens": 5}
    assert make_run_spec("custom", args).name == (
        "custom:path=my.jsonl,method=multiple_choice_joint,max_tokens=5"
    )
    with pytest.raises(UnknownNameError, match="method of custom 'choice'"):
        make_run_spec("custom", {"path": "my.jsonl", "method": "choice"})
