"""How much is stored, of which models, and how often it was of use."""

import msgspec
from sqlalchemy import ColumnElement, func, select

from proxy.store.database import Database
from proxy.store.sums import whole_sum
from proxy.store.tables import cache_entries, usage_days


class ModelStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of one model; times are in seconds since the epoch."""

    model: str  # "" for entries of before models were noted
    num_entries: int
    num_bytes: int
    oldest: float
    newest: float


class CacheStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored altogether.

    `num_requests` and `num_cached_requests` count all requests of accounts, and those of them that
    were answered from the cache.
    """

    num_entries: int
    num_bytes: int
    num_requests: int
    num_cached_requests: int
    models: list[ModelStatistics]


def read_statistics(database: Database) -> CacheStatistics:
    """Return statistics of all entries, which are all read for it."""
    columns = cache_entries.c
    length: ColumnElement[int] = func.length(columns.result) + func.length(columns.parameters)
    of_models = select(
        columns.model,
        func.count().label("num_entries"),
        whole_sum(length).label("num_bytes"),
        func.min(columns.created_at).label("oldest"),
        func.max(columns.created_at).label("newest"),
    ).group_by(columns.model)
    of_usage = select(whole_sum(usage_days.c.requests), whole_sum(usage_days.c.cached_requests))
    with database.read() as connection:
        rows = connection.execute(of_models.order_by(columns.model)).fetchall()
        num_requests, num_cached_requests = connection.execute(of_usage).one()
    models = [ModelStatistics(**row._asdict()) for row in rows]
    return CacheStatistics(
        num_entries=sum(model.num_entries for model in models),
        num_bytes=sum(model.num_bytes for model in models),
        num_requests=num_requests,
        num_cached_requests=num_cached_requests,
        models=models,
    )
