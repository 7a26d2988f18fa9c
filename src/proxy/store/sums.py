"""Sums over rows, as whole numbers in every database."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, literal_column


def whole_sum(column: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the sum of a column of whole numbers; 0 over no rows.

    PostgreSQL sums 64-bit numbers to decimal ones, which the driver makes `Decimal`.
    """
    return cast(func.coalesce(func.sum(column), literal_column("0")), BigInteger)
