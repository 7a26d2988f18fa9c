"""The states of one run, in one SQLite file: appended while the run goes on, readable meanwhile.

A prompt (or the last message of a chat) is stored as a shared beginning (a text), its instance's
input, and an ending, so that a few-shot prompt costs the bytes of its own part only. Tokens with
log-probabilities are compressed and stand in a column of their own.
"""

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmark.adapters.request_state import RequestState
from benchmark.scenarios.scenario import Instance
from benchmark.state_key import StateKey, key_of
from benchmark.states_schema import (
    INSERT_INSTANCE,
    INSERT_META,
    INSERT_STATE,
    LAYOUT,
    MOVE_STATES,
    SCHEMA,
)
from benchmark.stored_result import decode_result, encode_result
from common.errors import StorageError
from common.request import Request

RUN_HASH = "run_hash"  # key of the hash of the run that all places belong to

_ENCODER = msgspec.json.Encoder()
_INSTANCE = msgspec.json.Decoder(Instance)
_REQUEST = msgspec.json.Decoder(Request)


class StatesFile:
    """Reads and writes one file of states. One thread writes; each reader opens its own.

    Args:
        is_for_reading: Change nothing, whatever the file is like.

    Raises:
        StorageError: The file can't be opened or written, or it is damaged; a damaged file is set
            aside under another name, never overwritten.
    """

    def __init__(self, path: Path, *, is_for_reading: bool = False) -> None:
        self.path = path
        self._is_for_reading = is_for_reading
        try:
            if is_for_reading:
                self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
            else:
                self._connection = sqlite3.connect(
                    path, isolation_level=None, check_same_thread=False
                )
                self._connection.execute("PRAGMA journal_mode=WAL")
                # What a killed process has committed stays; only a power cut could lose the last
                # rows.
                self._connection.execute("PRAGMA synchronous=OFF")
                self._connection.executescript(SCHEMA)
            self._texts: dict[int, str] = {}
            self._text_ids: dict[str, int] = {}
            self._read_texts()
        except sqlite3.DatabaseError as error:
            raise self._explained(error) from error
        layout = self.get_meta("layout")
        if layout is None and not is_for_reading:
            self.set_meta("layout", str(LAYOUT))
        elif layout != str(LAYOUT):
            raise StorageError(f"{path} was written by another version (layout {layout})")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def get_meta(self, key: str) -> str | None:
        """Return what was noted under `key`."""
        return dict(self._read("SELECT key, value FROM meta")).get(key)

    def set_meta(self, key: str, value: str) -> None:
        """Note `value` under `key`."""
        self._write(INSERT_META, [(key, value)])

    def add_instances(self, instances: Iterable[Instance], run_hash: str = "") -> None:
        """Store the evaluated instances of the run with that hash; their places count from 0."""
        with self._transaction():
            self._connection.executemany(INSERT_INSTANCE, _instance_rows(instances))
            self._connection.execute(INSERT_META, (RUN_HASH, run_hash))

    def instances(self) -> list[Instance]:
        """Return the evaluated instances in order."""
        rows = self._read("SELECT data FROM instances ORDER BY id")
        return [_INSTANCE.decode(data) for (data,) in rows]

    def answered(self) -> set[int]:
        """Return the places of the requests that have an answer; a failure is none."""
        query = "SELECT id FROM states WHERE outcome IS NOT NULL AND outcome != 'error'"
        return {place for (place,) in self._read(query)}

    def outcomes(self) -> dict[str, int]:
        """Return how many requests ended with each outcome."""
        query = "SELECT outcome, count(*) FROM states WHERE outcome IS NOT NULL GROUP BY outcome"
        return dict(self._read(query))

    def add_states(self, states: Iterable[tuple[int, int, RequestState]]) -> None:
        """Store requests with what came back, in one transaction.

        Args:
            states: (place of the request in the run, place of its instance, the state).
        """
        self._write(INSERT_STATE, [self._row(*state) for state in states])

    def states(
        self, instances: list[Instance]
    ) -> Generator[tuple[int, int, RequestState], None, None]:
        """Yield all stored states in the order of the run, as `add_states` took them.

        Args:
            instances: As `instances()` returns them.
        """
        requests: dict[int, Request] = {}
        for row in self._read("SELECT * FROM states ORDER BY id"):
            request_id = row[10]
            if request_id not in requests:
                requests[request_id] = _REQUEST.decode(self._text(request_id))
            instance = instances[row[1]]
            prompt = row[12]
            if row[11] is not None:
                prompt = self._text(row[11]) + instance.input + prompt
            state = RequestState(
                instance=instance,
                request=requests[request_id].asking(prompt),
                train_trial_index=row[2],
                reference_index=row[3],
                request_mode=row[4],
                output_mapping=msgspec.json.decode(row[5]) if row[5] else None,
                num_in_context_examples=row[6],
                num_conditioning_tokens=row[7],
                window_index=row[8],
                is_truncated=bool(row[9]),
                result=decode_result(row[13], row[14], row[15]) if row[13] else None,
            )
            yield row[0], row[1], state

    def state_keys(self) -> Iterator[tuple[int, StateKey]]:
        """Yield the place and the key of every stored request."""
        instances = self.instances()
        query = (
            "SELECT id, instance, trial, reference_index, request_mode, window_index FROM states"
        )
        for place, instance_place, *rest in self._read(query):
            yield place, key_of(instances[instance_place], *rest)

    def move_states(
        self,
        moves: Iterable[tuple[int, int, int]],
        instances: Iterable[Instance],
        run_hash: str = "",
    ) -> None:
        """Give requests new places, and drop those not named; all at once or not at all.

        Args:
            moves: (old place, new place, new place of its instance).
            instances: The new list of evaluated instances.
            run_hash: Hash of the run that the new places belong to.
        """
        execute = self._connection.execute
        with self._transaction():
            execute("CREATE TEMP TABLE moves (old INTEGER PRIMARY KEY, place, instance)")
            self._connection.executemany("INSERT INTO moves VALUES (?, ?, ?)", moves)
            execute("CREATE TEMP TABLE moved AS SELECT * FROM states")
            execute("DELETE FROM states")
            execute("DELETE FROM metric_values")
            execute("DELETE FROM instances")
            execute(MOVE_STATES)
            self._connection.executemany(INSERT_INSTANCE, _instance_rows(instances))
            execute(INSERT_META, (RUN_HASH, run_hash))
            execute("DROP TABLE moved")
            execute("DROP TABLE moves")

    def add_values(self, values: Iterable[tuple[int, int, str, float]]) -> None:
        """Store values of metrics.

        Args:
            values: (place of the instance, trial, metric, value).
        """
        rows = (
            (instance, trial, self._text_id(metric), value)
            for instance, trial, metric, value in values
        )
        self._write("INSERT OR REPLACE INTO metric_values VALUES (?, ?, ?, ?)", rows)

    def values(self) -> Iterator[tuple[int, int, str, float]]:
        """Yield all values of metrics, as `add_values` took them, by instance and trial."""
        query = "SELECT instance, trial, metric, value FROM metric_values"
        for instance, trial, metric, value in self._read(query):
            yield instance, trial, self._text(metric), value

    def value_names(self) -> list[str]:
        """Return the names of all metrics that have values."""
        rows = self._read("SELECT DISTINCT metric FROM metric_values")
        return sorted(self._text(metric) for (metric,) in rows)

    def rename_values(self, names: Mapping[str, str]) -> None:
        """Give the values of metrics other names, all at once or not at all.

        Args:
            names: New name by old one; what has the new name already is replaced.
        """
        with self._transaction():
            rows = [(self._text_id(new), self._text_id(old)) for old, new in names.items()]
            statement = "UPDATE OR REPLACE metric_values SET metric = ? WHERE metric = ?"
            self._connection.executemany(statement, rows)

    def drop_values(self, names: Iterable[str]) -> None:
        """Forget all values of these metrics."""
        rows = [(self._text_id(name),) for name in names]
        self._write("DELETE FROM metric_values WHERE metric = ?", rows)

    def _row(self, place: int, instance_place: int, state: RequestState) -> tuple[Any, ...]:
        prompt, instance_input = state.request.asked_text, state.instance.input
        beginning, ending = None, prompt
        if prompt.startswith(instance_input, state.prefix_length):
            beginning = self._text_id(prompt[: state.prefix_length])
            ending = prompt[state.prefix_length + len(instance_input) :]
        outcome, result, tokens = encode_result(state.result)
        mapping = state.output_mapping
        return (
            place,
            instance_place,
            state.train_trial_index,
            state.reference_index,
            state.request_mode,
            None if mapping is None else _ENCODER.encode(mapping).decode(),
            state.num_in_context_examples,
            state.num_conditioning_tokens,
            state.window_index,
            int(state.is_truncated),
            self._text_id(_ENCODER.encode(state.request.asking("")).decode()),
            beginning,
            ending,
            outcome,
            result,
            tokens,
        )

    def _text_id(self, text: str) -> int:
        if text not in self._text_ids:
            cursor = self._connection.execute("INSERT INTO texts (text) VALUES (?)", (text,))
            assert cursor.lastrowid is not None
            self._text_ids[text] = cursor.lastrowid
            self._texts[cursor.lastrowid] = text
        return self._text_ids[text]

    def _text(self, id: int) -> str:
        if id not in self._texts:
            self._read_texts()  # another process writes this file
        return self._texts[id]

    def _read_texts(self) -> None:
        for id, text in self._read("SELECT id, text FROM texts"):
            self._texts[id], self._text_ids[text] = text, id

    def _read(self, query: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.cursor().execute(query)
        except sqlite3.DatabaseError as error:
            raise self._explained(error) from error

    def _write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._transaction():
            self._connection.executemany(statement, rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise self._explained(error) from error

    def _explained(self, error: sqlite3.DatabaseError) -> StorageError:
        reason = str(error)
        if "malformed" in reason or "not a database" in reason:
            self._connection.close()
            if self._is_for_reading:
                return StorageError(
                    f"{self.path} is damaged ({reason}): start its run again, which sets it aside"
                )
            aside = set_aside(self.path)
            return StorageError(
                f"{self.path} is damaged ({reason}) and was set aside as {aside.name}: start "
                "again; answers come from the cache where it has them"
            )
        if "full" in reason:
            return StorageError(f"the disk is full: can't write {self.path}")
        return StorageError(f"can't use {self.path}: {reason}")


def _instance_rows(instances: Iterable[Instance]) -> Iterator[tuple[int, str]]:
    for place, instance in enumerate(instances):
        yield place, _ENCODER.encode(instance).decode()


def set_aside(path: Path) -> Path:
    """Rename a damaged SQLite file and what belongs to it; return the new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    return aside
