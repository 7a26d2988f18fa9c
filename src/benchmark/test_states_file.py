import sqlite3
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from benchmark.adapters.request_state import RequestState
from benchmark.scenarios.scenario import (
    CORRECT_TAG,
    Instance,
    PerturbationDescription,
    Reference,
)
from benchmark.state_key import state_key
from benchmark.states_file import StatesFile, set_aside
from common.errors import StorageError
from common.request import (
    Message,
    Outcome,
    Request,
    RequestResult,
    Sequence,
    Token,
    Usage,
    failed_result,
)

PREFIX = "Q: 1+1?\nA: 2\n\nQ: "
LOWERCASE = PerturbationDescription("lowercase", robustness=True)
EXTRA_SPACE = PerturbationDescription("extra_space", robustness=True, args={"num_spaces": 2})

Placed = tuple[int, int, RequestState]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "states.sqlite"


def make_instance(number: int = 0, perturbation: PerturbationDescription | None = None) -> Instance:
    return Instance(
        f"{number}+{number}?",
        [Reference(str(2 * number), [CORRECT_TAG]), Reference("0")],
        split="test",
        id=f"id{number}",
        perturbation=perturbation,
    )


def make_result(text: str = " 4", *, outcome: Outcome = "ok") -> RequestResult:
    tokens = [Token(text, -0.25, {text: -0.25, " 5": -2.5})]
    return RequestResult(
        success=True,
        completions=[Sequence(text, -0.25, tokens, {"reason": "stop"})],
        cached=False,
        request_time=0.5,
        request_datetime=1_700_000_000,
        outcome=outcome,
    )


def make_state(instance: Instance, **fields: Any) -> RequestState:
    request = Request(model="m", prompt=f"{PREFIX}{instance.input}\nA:", stop_sequences=["\n"])
    made: dict[str, Any] = {"request": request, "prefix_length": len(PREFIX)}
    return RequestState(instance=instance, **made | {"result": make_result()} | fields)


def plain(placed: Placed) -> tuple[int, int, object]:
    """A state in a form that can be compared; the prefix length is a hint that is not stored."""
    place, instance_place, state = placed
    instance = state.instance
    told = repr(instance), repr(replace(state, instance=Instance("", []), prefix_length=0))
    return place, instance_place, told


def written_and_read(path: Path, states: list[RequestState]) -> list[RequestState]:
    """Write states of one instance and read them from the file that was closed in between."""
    instance = states[0].instance
    placed = [(place, 0, state) for place, state in enumerate(states)]
    file = StatesFile(path)
    file.add_instances([instance])
    file.add_states(placed)
    file.close()
    file = StatesFile(path)
    read = list(file.states(file.instances()))
    file.close()
    assert list(map(plain, read)) == list(map(plain, placed))
    return [state for _, _, state in read]


# --- What is read is what was written -----------------------------------------------------------


@pytest.mark.parametrize(
    "result",
    [
        None,
        make_result(),
        make_result(outcome="truncated"),
        failed_result("no\x1b[31m answer", "provider_timeout"),
        replace(make_result(), completions=[], outcome="refused"),
        replace(make_result(), cached=True, request_time=None, request_datetime=None),
        replace(make_result(), batch_size=3, batch_request_time=1.5, emulated=["echo_prompt"]),
        replace(make_result(), usage=Usage(7, 3, None, 2), served_model="m-0613"),
        replace(make_result(), completions=[Sequence("a", 0.0, []), Sequence("", 0.0, [])]),
        replace(
            make_result(),
            completions=[
                Sequence("a", -1e-9, [Token("bytes:\\xe2\\x80", -1e-9)], None, "Hm … \x00"),
                Sequence("b", 0.0, []),
                Sequence("c", -3.0000000000000004, [Token("c", -3.0000000000000004)]),
            ],
        ),
        make_result("\x00\x1b[31m\u2028\U0001f600" + "x" * 1_000_000),
    ],
)
def test_a_result_is_kept_whole(path: Path, result: RequestResult | None) -> None:
    [state] = written_and_read(path, [make_state(make_instance(), result=result)])
    assert state.result == result


@pytest.mark.parametrize(
    "instance",
    [
        make_instance(),
        make_instance(1, LOWERCASE),
        make_instance(1, EXTRA_SPACE),
        Instance("", []),
        Instance("\x00'\"é\U0001f600", [Reference("")], "valid", "a sub-split", "id3"),
        replace(
            make_instance(), contrast_inputs=["3+3?"], contrast_references=[[Reference("6", ["x"])]]
        ),
    ],
)
def test_an_instance_is_kept_whole(path: Path, instance: Instance) -> None:
    written_and_read(path, [make_state(instance)])


@pytest.mark.parametrize(
    "fields",
    [
        {"train_trial_index": 2},
        {"reference_index": 0, "request_mode": "original"},
        {"reference_index": 1, "request_mode": "calibration"},
        {"output_mapping": {"A": "4", "B": "0"}},
        {"output_mapping": {}},
        {"num_in_context_examples": 5, "num_conditioning_tokens": 3, "is_truncated": True},
    ],
)
def test_a_state_is_kept_whole(path: Path, fields: dict[str, Any]) -> None:
    written_and_read(path, [make_state(make_instance(), **fields)])


@pytest.mark.parametrize(
    ("prompt", "prefix_length"),
    [
        ("0+0?", 0),
        ("Q: 0+0?", 3),
        ("Q: 0+0? 0+0?", 3),
        ("Q: 0+0?", 0),  # the hint is wrong
        ("Q: 0+", 3),  # cut
        ("", 0),
        ("unrelated", 100),
    ],
)
def test_any_prompt_is_kept(path: Path, prompt: str, prefix_length: int) -> None:
    request = Request(model="m", prompt=prompt)
    written_and_read(
        path, [make_state(make_instance(), request=request, prefix_length=prefix_length)]
    )


def test_requests_that_differ_in_one_field_are_kept_apart(path: Path) -> None:
    request = Request(model="m", prompt="p")
    requests = [
        request,
        replace(request, temperature=0.5),
        replace(request, random="1"),
        replace(request, echo_prompt=True, max_tokens=0),
        replace(request, seed=1, deployment="d", response_format={"type": "json_object"}),
    ]
    written_and_read(path, [make_state(make_instance(), request=request) for request in requests])


def test_a_shared_beginning_is_stored_once(path: Path) -> None:
    beginning = "An example.\n\n" * 1000
    instances = [make_instance(number) for number in range(200)]
    file = StatesFile(path)
    file.add_instances(instances)
    file.add_states(
        (
            number,
            number,
            make_state(
                instance,
                request=Request(model="m", prompt=beginning + instance.input),
                prefix_length=len(beginning),
            ),
        )
        for number, instance in enumerate(instances)
    )
    file.close()
    assert path.stat().st_size < 200 * 600 + len(beginning) + 50_000


# --- Order, replacement, and what is left to do -------------------------------------------------


def test_states_come_in_the_order_of_the_run(path: Path) -> None:
    instances = [make_instance(number) for number in range(3)]
    file = StatesFile(path)
    file.add_instances(instances)
    for place in (2, 0, 1):
        file.add_states([(place, place, make_state(instances[place]))])
    assert [place for place, _, _ in file.states(file.instances())] == [0, 1, 2]


def test_failures_and_dry_requests_are_no_answers(path: Path) -> None:
    results = [
        make_result(),
        None,
        failed_result("no", "provider_timeout"),
        make_result(outcome="truncated"),
        make_result(outcome="refused"),
    ]
    file = StatesFile(path)
    instance = make_instance()
    file.add_instances([instance])
    file.add_states(
        (place, 0, make_state(instance, result=result)) for place, result in enumerate(results)
    )
    assert file.answered() == {0, 3, 4}
    assert file.outcomes() == {"ok": 1, "error": 1, "truncated": 1, "refused": 1}
    file.add_states([(2, 0, make_state(instance)), (1, 0, make_state(instance))])
    assert file.answered() == {0, 1, 2, 3, 4}
    assert file.outcomes() == {"ok": 3, "truncated": 1, "refused": 1}


def test_a_batch_is_written_whole_or_not_at_all(path: Path) -> None:
    instance = make_instance()
    file = StatesFile(path)
    file.add_instances([instance])
    bad = make_state(instance, result=replace(make_result(), request_time="soon"))
    bad = replace(bad, num_in_context_examples=None)
    with pytest.raises(StorageError, match="NOT NULL"):
        file.add_states([(0, 0, make_state(instance)), (1, 0, bad)])
    assert file.answered() == set()
    file.add_states([(0, 0, make_state(instance))])
    assert file.answered() == {0}


def test_the_same_request_has_the_same_key_in_a_larger_run() -> None:
    keys = {
        state_key(make_state(instance, **fields))
        for instance in (make_instance(), make_instance(1), make_instance(0, LOWERCASE))
        for fields in (
            {},
            {"train_trial_index": 1},
            {"reference_index": 0, "request_mode": "original"},
            {"reference_index": 0, "request_mode": "calibration"},
            {"reference_index": 1, "request_mode": "original"},
        )
    }
    assert len(keys) == 15
    again = make_state(make_instance(0, LOWERCASE), train_trial_index=1, result=None)
    assert state_key(again) in keys


def test_moved_states_have_their_answers_at_their_new_places(path: Path) -> None:
    small = [make_instance(0), make_instance(1)]
    file = StatesFile(path)
    file.add_instances(small)
    texts = [" zero", " one", " gone"]
    file.add_states(
        [
            (0, 0, make_state(small[0], result=make_result(texts[0]))),
            (1, 1, make_state(small[1], result=make_result(texts[1]))),
            (2, 1, make_state(small[1], result=make_result(texts[2]), train_trial_index=1)),
        ]
    )
    file.add_values([(0, 0, "exact_match", 1.0)])
    large = [make_instance(1), make_instance(2), make_instance(0)]
    file.move_states([(0, 2, 2), (1, 0, 0)], large)
    file.close()
    file = StatesFile(path)
    assert file.answered() == {0, 2}
    assert list(map(repr, file.instances())) == list(map(repr, large))
    found = {
        place: (instance_place, state.instance.id, state.result and state.result.completions)
        for place, instance_place, state in file.states(file.instances())
    }
    assert found == {
        0: (0, "id1", make_result(" one").completions),
        2: (2, "id0", make_result(" zero").completions),
    }
    assert list(file.values()) == []


def test_keys_are_read_back(path: Path) -> None:
    instances = [make_instance(0, LOWERCASE), make_instance(0, EXTRA_SPACE)]
    states = [
        make_state(instances[0]),
        make_state(instances[1], train_trial_index=1),
        make_state(instances[1], reference_index=1, request_mode="original"),
    ]
    file = StatesFile(path)
    file.add_instances(instances)
    file.add_states([(5, 0, states[0]), (6, 1, states[1]), (7, 1, states[2])])
    assert dict(file.state_keys()) == dict(zip((5, 6, 7), map(state_key, states), strict=True))


# --- Values and notes ---------------------------------------------------------------------------


def test_values_can_be_queried_with_sql(path: Path) -> None:
    file = StatesFile(path)
    file.add_instances([make_instance(7), make_instance(7, LOWERCASE)])
    values = [(0, 0, "exact_match", 1.0), (1, 0, "exact_match", 0.0), (1, 1, "f1@5", 0.1)]
    file.add_values(values)
    assert sorted(file.values()) == sorted(values)
    with sqlite3.connect(path) as other:
        rows = other.execute("SELECT * FROM instance_values ORDER BY value").fetchall()
    other.close()
    assert rows == [
        ("id7", 0, "lowercase", "exact_match", 0.0),
        ("id7", 1, "lowercase", "f1@5", 0.1),
        ("id7", 0, None, "exact_match", 1.0),
    ]
    assert file.value_names() == ["exact_match", "f1@5"]
    file.rename_values({"f1@5": "f1@5@v1", "exact_match": "exact_match@v2"})
    assert file.value_names() == ["exact_match@v2", "f1@5@v1"]
    file.drop_values(["exact_match@v2", "nothing"])
    assert list(file.values()) == [(1, 1, "f1@5@v1", 0.1)]


def test_notes_are_kept(path: Path) -> None:
    file = StatesFile(path)
    assert file.get_meta("status") is None
    file.set_meta("status", "running")
    file.set_meta("status", "finished")
    file.close()
    assert StatesFile(path).get_meta("status") == "finished"


# --- Several at a time, and damage --------------------------------------------------------------


def test_a_reader_sees_what_is_written_meanwhile(path: Path) -> None:
    writer = StatesFile(path)
    reader = StatesFile(path, is_for_reading=True)
    instance = make_instance()
    writer.add_instances([instance])
    writer.add_states([(0, 0, make_state(instance))])
    writer.add_values([(0, 0, "exact_match", 1.0)])
    assert [place for place, _, _ in reader.states(reader.instances())] == [0]
    assert list(reader.values()) == [(0, 0, "exact_match", 1.0)]


def test_a_file_of_another_layout_is_left_alone(path: Path) -> None:
    file = StatesFile(path)
    file.set_meta("layout", "99")
    file.close()
    with pytest.raises(StorageError, match=r"another version.*99"):
        StatesFile(path)
    assert path.exists()


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "states.sqlite"
    with pytest.raises(StorageError, match="nowhere"):
        StatesFile(path)


def test_a_file_that_is_none_is_set_aside(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="damaged") as raised:
        StatesFile(path)
    assert "states.sqlite.damaged-1" in str(raised.value)
    assert path.with_name("states.sqlite.damaged-1").read_bytes() == b"no database" * 1000
    StatesFile(path).close()


def test_a_file_opened_for_reading_is_never_changed(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="start its run again"):
        StatesFile(path, is_for_reading=True)
    assert path.read_bytes() == b"no database" * 1000


@pytest.mark.parametrize(
    "read",
    [
        lambda file: file.answered(),
        lambda file: file.outcomes(),
        lambda file: file.instances(),
        lambda file: list(file.state_keys()),
        lambda file: list(file.states([make_instance()] * 500)),
        lambda file: list(file.values()),
    ],
    ids=["answered", "outcomes", "instances", "state_keys", "states", "values"],
)
def test_damage_that_only_reading_finds_is_told(path: Path, read: Any) -> None:
    file = StatesFile(path)
    instances = [make_instance(number) for number in range(500)]
    file.add_instances(instances)
    file.add_states((place, place, make_state(instances[place])) for place in range(500))
    file.add_values((place, 0, "exact_match", 1.0) for place in range(500))
    file.close()
    with sqlite3.connect(path) as connection:
        pages = dict(connection.execute("SELECT name, rootpage FROM sqlite_master"))
    connection.close()
    content = bytearray(path.read_bytes())
    for table in ("instances", "states", "metric_values"):
        start = 4096 * (pages[table] - 1)
        content[start : start + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    file = StatesFile(path)
    with pytest.raises(StorageError, match="damaged"):
        read(file)
    file.close()


def test_damaged_files_are_numbered(path: Path) -> None:
    for number in (1, 2, 3):
        path.write_text(str(number))
        path.with_name("states.sqlite-wal").write_text(f"wal {number}")
        aside = set_aside(path)
        assert aside.name == f"states.sqlite.damaged-{number}"
        assert aside.read_text() == str(number)
        assert aside.with_name(f"{aside.name}-wal").read_text() == f"wal {number}"
        assert not path.exists()


def test_turns_of_a_chat_are_stored_once(path: Path) -> None:
    turns = [Message("user", "1+1?"), Message("assistant", "2")]
    states = []
    for number in range(3):
        instance = make_instance(number)
        asked = Message("user", f"Q: {instance.input}\nA:")
        request = Request(model="m", messages=[*turns, asked])
        states.append(make_state(instance, request=request, prefix_length=len("Q: ")))
    file = StatesFile(path)
    file.add_instances([state.instance for state in states])
    file.add_states([(place, place, state) for place, state in enumerate(states)])
    file.close()
    file = StatesFile(path, is_for_reading=True)
    read = [state.request for _, _, state in file.states(file.instances())]
    file.close()
    assert read == [state.request for state in states]
    with sqlite3.connect(path) as connection:
        texts = [text for (text,) in connection.execute("SELECT text FROM texts")]
    assert sum("1+1?" in text for text in texts) == 1
