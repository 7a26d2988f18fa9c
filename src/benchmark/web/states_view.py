"""Answers of one run, read piece by piece: what a page shows costs what it shows, not the run.

`StatesFile` reads a run from its beginning to its end. Here everything goes by the place of a
request, which is the key of its row, or through one scan that is remembered.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from benchmark.scenarios.scenario import Instance
from benchmark.stored_result import decode_result
from benchmark.web.sample import Asked, Sample, SampleRequest, SampleRow, Version
from benchmark.web.states_queries import (
    FILTER_CONDITIONS,
    FOUND,
    HAS_TEXT,
    IS_FIRST,
    ROWS,
    USAGE,
    USAGE_NAMES,
    VERSIONS,
)
from common.errors import ConflictError, NotFoundError

MAX_TEXT = 300
_REACH = 500  # requests of one instance are neighbours: none is further away

_INSTANCE = msgspec.json.Decoder(Instance)


class StatesView:
    """Reads one file of states, and changes nothing.

    Raises:
        ConflictError: The file can't be read.
    """

    def __init__(self, path: Path) -> None:
        uri = path.absolute().as_uri()
        with _explained():
            try:
                self._connection = _connect(f"{uri}?mode=ro")
            except sqlite3.OperationalError:
                # A folder that is not ours to write to: without a log beside it, it is complete.
                if path.with_name(f"{path.name}-wal").exists():
                    raise
                self._connection = _connect(f"{uri}?mode=ro&immutable=1")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def meta(self) -> dict[str, str]:
        """Return what the run noted of itself."""
        return dict(self._read("SELECT key, value FROM meta"))

    def outcomes(self) -> dict[str, int]:
        """Return how many requests ended with each outcome."""
        query = "SELECT outcome, count(*) FROM states WHERE outcome IS NOT NULL GROUP BY outcome"
        return dict(self._read(query))

    def end(self) -> int:
        """Return the place after the last request that is stored."""
        ((last,),) = self._read("SELECT max(id) FROM states")
        return 0 if last is None else last + 1

    def metric_id(self, name: str | None) -> int | None:
        """Return the number under which the values of a metric are stored."""
        found = self._read("SELECT id FROM texts WHERE text = ?", (name,)) if name else []
        return found[0][0] if found else None

    def places(self, asked: Asked, metric: int | None) -> Sequence[int]:
        """Return the places of the samples that were asked for, in order."""
        conditions = [FILTER_CONDITIONS[asked.filter]] if asked.filter else []
        if asked.filter not in ("error", "refused", "truncated"):
            conditions.append(IS_FIRST)
        parameters: dict[str, Any] = {"metric": metric}
        if asked.split:
            conditions.append("json_extract(data, '$.split') = :split")
            parameters["split"] = asked.split
        if asked.perturbation:
            name = "coalesce(json_extract(data, '$.perturbation.name'), 'identity')"
            conditions.append(f"{name} = :perturbation")
            parameters["perturbation"] = asked.perturbation
        if asked.text:
            conditions.append(HAS_TEXT)
            raw = msgspec.json.encode(asked.text)[1:-1].decode()
            parameters |= {"text": _pattern(asked.text), "raw": _pattern(raw)}
        where = " AND ".join(f"({condition})" for condition in conditions)
        query = "SELECT states.id FROM states JOIN instances ON instances.id = states.instance "
        found = self._read(f"{query} WHERE {where} ORDER BY states.id", parameters)
        return [place for (place,) in found]

    def find(self, text: str, limit: int) -> list[tuple[int, str, str]]:
        """Return the first samples that have a text: place, id, and how the input begins."""
        raw = msgspec.json.encode(text)[1:-1].decode()
        query = f"{FOUND} WHERE ({IS_FIRST}) AND ({HAS_TEXT}) ORDER BY states.id LIMIT :limit"
        parameters = {"text": _pattern(text), "raw": _pattern(raw), "length": 80, "limit": limit}
        found = self._read(query, parameters)
        return [(place, str(id), " ".join(input.split())) for place, id, input in found]

    def rows(self, places: Sequence[int], metric: int | None) -> list[SampleRow]:
        """Return the samples at these places, as a list shows them."""
        names = ", ".join(str(int(place)) for place in places)
        query = f"{ROWS} WHERE states.id IN ({names}) ORDER BY states.id"
        return [_row(row) for row in self._read(query, {"metric": metric, "length": MAX_TEXT})]

    def sample(self, place: int, *, num_trials: int = 1) -> Sample:
        """Return the sample that the request at `place` is about.

        Args:
            num_trials: How often the run asks about each instance.

        Raises:
            NotFoundError: There is no answer at that place.
        """
        found = self._read("SELECT instance, trial FROM states WHERE id = ?", (place,))
        if not found:
            raise NotFoundError(f"there is no answer at place {place} of this run")
        ((instance_place, trial),) = found
        query = "SELECT data FROM instances WHERE id = ?"
        ((data,),) = self._read(query, (instance_place,))
        instance = _INSTANCE.decode(data)
        near = (place - _REACH, place + _REACH, instance_place, trial)
        query = (
            "SELECT * FROM states WHERE id BETWEEN ? AND ? AND instance = ? AND trial = ? "
            "ORDER BY id"
        )
        requests = [self._request(row, instance) for row in self._read(query, near)]
        query = (
            "SELECT text, value FROM metric_values JOIN texts ON texts.id = metric "
            "WHERE instance = ? AND trial = ? ORDER BY text"
        )
        values = dict(self._read(query, (instance_place, trial)))
        versions = self._versions(instance.id, place, trial, num_trials) if instance.id else []
        return Sample(place, trial, instance, requests, values, versions)

    def originals(self, split: str | None) -> frozenset[int]:
        """Return the places of a split's instances that are as they were, not perturbed."""
        query = (
            "SELECT id FROM instances WHERE json_extract(data, '$.split') IS ? "
            "AND coalesce(json_extract(data, '$.perturbation.name'), 'identity') = 'identity'"
        )
        return frozenset(place for (place,) in self._read(query, (split,)))

    def values(self, metric: int) -> dict[int, float]:
        """Return a metric's mean value over trials, by the place of the instance."""
        query = "SELECT instance, avg(value) FROM metric_values WHERE metric = ? GROUP BY instance"
        return dict(self._read(query, (metric,)))

    def usage(self) -> dict[str, int]:
        """Return the tokens of all answers, and of those that were not in the cache."""
        usage: dict[str, int] = {}
        for is_cached, *numbers in self._read(USAGE):
            ending = "_from_cache" if is_cached else ""
            for name, number in zip(USAGE_NAMES, numbers, strict=True):
                usage[f"{name}{ending}"] = number
        return usage

    def _request(self, row: tuple[Any, ...], instance: Instance) -> SampleRequest:
        beginning = "" if row[11] is None else self._text(row[11])
        request = msgspec.json.decode(self._text(row[10]))
        del request["prompt"]
        messages = request.pop("messages", None) or []
        beginning = _earlier_turns(messages) + beginning
        return SampleRequest(
            place=row[0],
            reference_index=row[3],
            request_mode=row[4],
            window_index=row[8],
            num_in_context_examples=row[6],
            is_truncated=bool(row[9]),
            beginning=beginning,
            input="" if row[11] is None else instance.input,
            ending=row[12],
            request=request,
            is_chat=bool(messages),
            output_mapping=msgspec.json.decode(row[5]) if row[5] else None,
            result=decode_result(row[13], row[14], row[15]) if row[13] else None,
        )

    def _versions(self, id: str, place: int, trial: int, num_trials: int) -> list[Version]:
        """The same instance in all trials and versions.

        Versions are neighbours, and trials are as long as each other: nothing else need be read.
        """
        num_requests = int(self.meta().get("num_requests", self.end()))
        first = place - trial * (num_requests // num_trials)
        places = [first + other * (num_requests // num_trials) for other in range(num_trials)]
        near = " OR ".join(
            f"states.id BETWEEN {place - _REACH} AND {place + _REACH}" for place in places
        )
        query = (
            f"{VERSIONS} WHERE ({near}) AND json_extract(data, '$.id') = ? "
            "GROUP BY states.instance, trial ORDER BY trial, states.instance"
        )
        found = [
            Version(place, trial, msgspec.json.decode(perturbation) if perturbation else None)
            for place, trial, perturbation in self._read(query, (id,))
        ]
        return found if len(found) > 1 else []

    def _text(self, id: int) -> str:
        ((text,),) = self._read("SELECT text FROM texts WHERE id = ?", (id,))
        return str(text)

    def _read(
        self, query: str, parameters: Sequence[Any] | dict[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        with _explained():
            return self._connection.execute(query, parameters).fetchall()


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True)
    try:
        connection.execute("SELECT count(*) FROM meta").fetchone()
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise ConflictError(
            f"the answers of this run can't be read ({error}): start it again, which goes on where "
            "it can"
        ) from error


def _earlier_turns(messages: list[dict[str, Any]]) -> str:
    """The turns before the last one, as one text that ends where the last one begins."""
    if len(messages) < 2:
        return ""
    texts = [f"[{message['role']}]\n{message.get('content') or ''}" for message in messages[:-1]]
    return "\n\n".join([*texts, f"[{messages[-1]['role']}]\n"])


def _pattern(text: str) -> str:
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return f"%{text}%"


def _row(row: tuple[Any, ...]) -> SampleRow:
    place, id, trial, split, perturbation, input, references, outcome, completion = row[:9]
    error, mapping, value = row[9:]
    if mapping and completion is not None:
        chosen = msgspec.json.decode(mapping).get(completion.strip())
        completion = f"{completion.strip()}. {chosen}" if chosen else completion
    return SampleRow(
        place,
        id,
        trial,
        split,
        msgspec.json.decode(perturbation) if perturbation else None,
        input,
        msgspec.json.decode(references),
        outcome,
        completion,
        error,
        value,
    )
