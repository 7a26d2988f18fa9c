"""INSERT … ON CONFLICT for every database: the one `insert` of all who store what may be there.

SQLite has it from PostgreSQL, and SQLAlchemy builds both alike, except for an attribute that the
compiler of PostgreSQL asks for. Its own `insert` would do for both, and takes 50 ms to import.
"""

from typing import Any

from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate
from sqlalchemy.ext.compiler import compiles

__all__ = ["insert"]


@compiles(OnConflictDoUpdate, "postgresql")
def _compile_update(clause: Any, compiler: Any, **kwargs: Any) -> str:
    clause.constraint_target = None  # a constraint by its name, which SQLite can't say
    text: str = compiler.visit_on_conflict_do_update(clause, **kwargs)
    return text


@compiles(OnConflictDoNothing, "postgresql")
def _compile_nothing(clause: Any, compiler: Any, **kwargs: Any) -> str:
    clause.constraint_target = None
    text: str = compiler.visit_on_conflict_do_nothing(clause, **kwargs)
    return text
