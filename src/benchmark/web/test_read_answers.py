"""Answers and prompts of other profiles, as pages show them."""

from pathlib import Path

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.scenarios.scenario import CORRECT_TAG, Instance, Reference
from benchmark.states_file import StatesFile
from benchmark.web.read_answers import with_read_answers
from benchmark.web.sample import Sample
from benchmark.web.states_view import StatesView
from common.request import Message, Request, RequestResult, Sequence

JOINT = "multiple_choice_joint"


def sample_of(path: Path, answer: str) -> Sample:
    instance = Instance("Who?", [Reference("I"), Reference("You", [CORRECT_TAG])], id="id0")
    messages = [
        Message("user", "Q: When?\nA:"),
        Message("assistant", "B"),
        Message("user", "Q: Who?\nA:"),
    ]
    state = RequestState(
        instance=instance,
        request=Request(messages=messages),
        output_mapping={"A": "I", "B": "You"},
        prefix_length=len("Q: "),
        result=RequestResult(success=True, completions=[Sequence(answer, 0, [])], cached=False),
    )
    file = StatesFile(path)
    file.add_instances([instance])
    file.add_states([(0, 0, state)])
    file.close()
    with StatesView(path) as states:
        return states.sample(0, num_trials=1)


def test_earlier_turns_begin_the_prompt(tmp_path: Path) -> None:
    [request] = sample_of(tmp_path / "states.sqlite", "B").requests
    assert request.is_chat
    assert request.beginning == "[user]\nQ: When?\nA:\n\n[assistant]\nB\n\n[user]\nQ: "
    assert (request.input, request.ending) == ("Who?", "\nA:")
    assert "messages" not in request.request


def test_what_an_answer_is_read_as(tmp_path: Path) -> None:
    sample = sample_of(tmp_path / "states.sqlite", "I'd say (B) is right.")
    assert with_read_answers(sample, AdapterSpec(method=JOINT)) is sample
    [request] = with_read_answers(sample, AdapterSpec(method=JOINT, answers="parsed")).requests
    assert request.read_as == ["B"]


def test_an_answer_that_is_read_as_nothing(tmp_path: Path) -> None:
    sample = sample_of(tmp_path / "states.sqlite", "Hard to say.")
    [request] = with_read_answers(sample, AdapterSpec(method=JOINT, answers="parsed")).requests
    assert request.read_as == [""]
