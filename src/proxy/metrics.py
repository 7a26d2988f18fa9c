"""Counters of a proxy-server, summed over its worker processes, as Prometheus reads them.

The master makes the memory; each worker writes to a slot of its own in it, so that none waits for
another, and any of them can read all. A worker that takes over the slot of an ended one goes on
with its counts.
"""

import json
import mmap
import struct
import threading
from bisect import bisect_left
from collections.abc import Iterator
from typing import Literal, NamedTuple

from common.request import RequestResult

_SLOT_BYTES = 2**18  # about 2,500 series
_PREFIX = "lm_bench_"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
# A slot: the number of bytes in use; then, one after the other, value and length of the key of a
# series, and the key, filled up to a multiple of 8 so that values are written at once.
_USED = struct.Struct("=Q")
_ENTRY = struct.Struct("=dQ")
_VALUE = struct.Struct("=d")

Key = tuple[str, ...]  # the name of a metric and the values of its labels


class _Metric(NamedTuple):
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


_METRICS = {
    "http_requests_total": _Metric(
        "counter", ("method", "route", "status"), "Requests that were answered."
    ),
    "http_request_seconds": _Metric("histogram", ("route",), "Time from request to last byte."),
    "http_requests_in_flight": _Metric("gauge", (), "Requests being answered now."),
    "cache_lookups_total": _Metric(
        "counter", ("model", "result"), "Requests by whether an answer was stored: hit or miss."
    ),
    "provider_calls_total": _Metric(
        "counter", ("model", "outcome"), "Calls of providers, retries not counted."
    ),
    "provider_call_seconds": _Metric(
        "histogram", ("model",), "Time of a provider's call, retries included."
    ),
    "provider_calls_in_flight": _Metric("gauge", ("model",), "Calls of providers under way now."),
    "provider_calls_waiting": _Metric(
        "gauge", ("model",), "Calls that wait now for what their deployment takes."
    ),
    "provider_wait_seconds": _Metric(
        "histogram", ("model",), "Time that calls have waited, of those that had to."
    ),
    "provider_refusals_total": _Metric(
        "counter", ("model",), "Attempts that providers have answered with 429."
    ),
    "tokens_total": _Metric(
        "counter", ("model", "kind"), "Tokens that providers have counted: prompt or completion."
    ),
}
_GAUGES = {name for name, metric in _METRICS.items() if metric.kind == "gauge"}


class Metrics:
    """The counters of all workers.

    Args:
        num_slots: How many processes may write at a time.
    """

    def __init__(self, num_slots: int = 1) -> None:
        self.num_slots = num_slots
        self._memory = mmap.mmap(-1, num_slots * _SLOT_BYTES)
        self._lock = threading.Lock()
        self._series: dict[Key, tuple[int, float]] = {}  # where it stands, and its value
        self._start = self._end = 0
        for slot in range(num_slots):
            _USED.pack_into(self._memory, slot * _SLOT_BYTES, _USED.size)
        self.use_slot(0)

    def use_slot(self, slot: int) -> None:
        """Write to `slot` from now on, which nobody else does."""
        self._start = slot * _SLOT_BYTES
        self._lock = threading.Lock()
        self._series = {}
        for key, value, at in self._read(slot):
            if key[0] in _GAUGES:  # of what the ended worker was doing
                value = 0.0
                _VALUE.pack_into(self._memory, at, value)
            self._series[key] = (at, value)
        self._end = self._start + _USED.unpack_from(self._memory, self._start)[0]

    # --- Counting -------------------------------------------------------------------------------

    def add(self, name: str, *labels: str, amount: float = 1.0) -> None:
        """Add to a counter or gauge; `labels` in the order of its definition."""
        with self._lock:
            self._add((name, *labels), amount)

    def observe(self, name: str, *labels: str, value: float) -> None:
        """Add a value to a histogram."""
        bucket = bisect_left(_BUCKETS, value)
        limit = f"{_BUCKETS[bucket]:g}" if bucket < len(_BUCKETS) else "+Inf"
        with self._lock:
            self._add((f"{name}_bucket", *labels, limit), 1.0)
            self._add((f"{name}_sum", *labels), value)

    def count_answer(self, model: str, *, is_hit: bool) -> None:
        """Count a request for which the cache was asked."""
        self.add("cache_lookups_total", model, "hit" if is_hit else "miss")

    def count_call(
        self, model: str, outcome: str, seconds: float, result: RequestResult | None = None
    ) -> None:
        """Count a call of a provider; `result` is None if it failed."""
        self.add("provider_calls_total", model, outcome)
        self.observe("provider_call_seconds", model, value=seconds)
        usage = result.usage if result is not None else None
        if usage is not None:
            self.add("tokens_total", model, "prompt", amount=usage.prompt_tokens or 0)
            self.add("tokens_total", model, "completion", amount=usage.completion_tokens or 0)

    def _add(self, key: Key, amount: float) -> None:
        at, value = self._series.get(key) or (self._new(key), 0.0)
        if at:
            self._series[key] = (at, value + amount)
            _VALUE.pack_into(self._memory, at, value + amount)

    def _new(self, key: Key) -> int:
        """Make room for another series and return where; 0 where there is none left."""
        text = _encoded(key)
        at, end = self._end, self._end + _ENTRY.size + _filled(len(text))
        if end > self._start + _SLOT_BYTES:
            return 0
        _ENTRY.pack_into(self._memory, at, 0.0, len(text))
        self._memory[at + _ENTRY.size : at + _ENTRY.size + len(text)] = text
        # Last, so that nobody reads half of it.
        _USED.pack_into(self._memory, self._start, end - self._start)
        self._end = end
        return at

    # --- Reading --------------------------------------------------------------------------------

    def render(self) -> str:
        """Return all metrics in Prometheus' text format."""
        sums: dict[Key, float] = {}
        for slot in range(self.num_slots):
            for key, value, _ in self._read(slot):
                sums[key] = sums.get(key, 0.0) + value
        return "".join(
            line + "\n" for name, metric in _METRICS.items() for line in _lines(name, metric, sums)
        )

    def _read(self, slot: int) -> Iterator[tuple[Key, float, int]]:
        start = slot * _SLOT_BYTES
        (used,) = _USED.unpack_from(self._memory, start)
        at, end = start + _USED.size, start + used
        while at < end:
            value, length = _ENTRY.unpack_from(self._memory, at)
            text = self._memory[at + _ENTRY.size : at + _ENTRY.size + length]
            yield tuple(json.loads(text)), value, at
            at += _ENTRY.size + _filled(length)


def _encoded(key: Key) -> bytes:
    return json.dumps(key).encode()


def _filled(length: int) -> int:
    return (length + 7) // 8 * 8


def _lines(name: str, metric: _Metric, sums: dict[Key, float]) -> Iterator[str]:
    yield f"# HELP {_PREFIX}{name} {metric.help}"
    yield f"# TYPE {_PREFIX}{name} {metric.kind}"
    if metric.kind == "histogram":
        for labels in sorted(key[1:] for key in sums if key[0] == f"{name}_sum"):
            yield from _histogram_lines(name, metric, labels, sums)
        return
    for key in sorted(key for key in sums if key[0] == name):
        yield f"{_PREFIX}{name}{_labelled(metric.labels, key[1:])} {sums[key]:.15g}"


def _histogram_lines(
    name: str, metric: _Metric, labels: Key, sums: dict[Key, float]
) -> Iterator[str]:
    count = 0.0
    for limit in (*(f"{bucket:g}" for bucket in _BUCKETS), "+Inf"):
        count += sums.get((f"{name}_bucket", *labels, limit), 0.0)
        named = _labelled((*metric.labels, "le"), (*labels, limit))
        yield f"{_PREFIX}{name}_bucket{named} {count:.15g}"
    named = _labelled(metric.labels, labels)
    yield f"{_PREFIX}{name}_sum{named} {sums[(f'{name}_sum', *labels)]:.15g}"
    yield f"{_PREFIX}{name}_count{named} {count:.15g}"


def _labelled(names: Key, values: Key) -> str:
    if not names:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{','.join(pairs)}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
