import pytest

from common.data_tables import Row, parse_table


def column(*cells: str) -> list[str | None]:
    """The cells of a column as they are shown; the column beside it is never empty."""
    return [
        row["value"] for row in parse_table("value,other\n" + "".join(f"{c},x\n" for c in cells))
    ]


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (["1", "007", "-3"], ["1", "7", "-3"]),
        (["1", ""], ["1.0", None]),
        (["1", "2.50"], ["1.0", "2.5"]),
        (["1e3", "-.5", "inf"], ["1000.0", "-0.5", "inf"]),
        (["1", "x"], ["1", "x"]),
        (["1", "1_0"], ["1", "1_0"]),
        (["true", "FALSE"], ["True", "False"]),
        (["true", "NA"], ["true", None]),
        (["$1.29", "N/A"], ["$1.29", None]),
        (['"a, ""b"""', " c"], ['a, "b"', " c"]),
        (["null", "nan"], [None, None]),
        (["None"], ["None"]),
    ],
)
def test_cells_are_shown_as_their_columns_type_has_it(
    cells: list[str], shown: list[str | None]
) -> None:
    assert column(*cells) == shown


def test_a_cell_may_be_a_whole_book() -> None:
    assert parse_table(f"a\n{200_000 * 'x'}\n") == [{"a": 200_000 * "x"}]


@pytest.mark.parametrize("text", ["", "a,b\n"])
def test_a_table_may_be_empty(text: str) -> None:
    assert parse_table(text) == []


def test_columns_may_be_named_by_the_caller() -> None:
    rows: list[Row] = [{"a": "x", "b": "1.0"}, {"a": "y", "b": None}]
    assert parse_table("x,1\n\ny\n", ["a", "b"]) == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n1,2,3\n", r"line 3: 3 columns where 2 are expected \(a, b\)"),
    ],
)
def test_a_malformed_row_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_table(text)
