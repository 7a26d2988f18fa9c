"""Answers as models write them, and what they are read as."""

import pytest

from benchmark.metrics.answer_parsing import read_final_answer, read_letter

CHOICES = {"A": "London", "B": "Paris", "C": "Washington D.C.", "D": "None of the above"}


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "(B)",
        "b.",
        "**B**",
        "Option B",
        "B. Paris",
        "B) Paris",
        "(B) Paris",
        "B: Paris",
        "Paris.",
        "The answer is (B).",
        "The correct answer is **B. Paris**",
        'The answer is "B".',
        "The answer to this question is B.",
        "So the answer must be (b).",
        "My answer would be B",
        "The answer is B because it is the capital.",
        "**Answer:** B",
        "answer: b",
        "Answer:\n\n**B**",
        "**Final Answer**\n\nB",
        "The answer is:\n\nB. Paris",
        "The answer is Paris.",
        "Final answer: \\boxed{B}",
        "$\\boxed{\\text{B}}$",
        "I would choose option B because it is the capital.",
        "The best option is B",
        "A is incorrect. B is correct.",
        "Both A and C are wrong; B is the right one.",
        "B\n\nExplanation: A is wrong, since London is in the UK.",
        "Let me think.\n\nLondon is in the UK.\nSo:\n\nB",
        "The answer is A. Wait, no. The answer is B.",
        "<think>The answer is A?</think>\n\nB",
        "It could be A.</think>\n\nB",
        "（Ｂ）",
    ],
)
def test_a_letter_is_read(text: str) -> None:
    assert read_letter(text, CHOICES) == "B"


def test_a_choice_that_looks_like_marks() -> None:
    assert read_letter("C. Washington D.C.", CHOICES) == "C"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "E",
        "The answer is E.",
        "I'm sorry, but I can't help with that.",
        "As an AI, I can't answer.",
        "A good question.",
        "The answer is A car",
        "A or B",
        "The answer is A or B.",
        "Answer: A and C",
        "Neither A nor B is correct.",
        "If B is correct, so is C.",
        "A\nB",
        "A. London or B. Paris?",
        "A. London\nB. Paris\nC. Washington D.C.",
        "The answer is not A.",
        "The answer isn't B.",
        "I would not choose B.",
        "The correct answer is not listed.",
        "Many would say Berlin.",
        "<think>The answer is B",
    ],
)
def test_no_letter_is_read(text: str) -> None:
    assert read_letter(text, CHOICES) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Half is 9. The answer is 18.", "18"),
        ("**Answer: $18**", "18"),
        ("So:\n\n#### 1,800", "1800"),
        ("The answer is $18.00 per day.", "18"),
        ("The answer is 72 clips.", "72"),
        ("The final answer is -3.5%.", "-3.5"),
        ("The answer is 3 + 4", "3 + 4"),
        ("Answer:\n\n18", "18"),
        ("The answer is \\boxed{18}.", "18"),
        ("The answer is 5. No: the answer is 6.", "6"),
        ("<think>The answer is 5.</think>The answer is **the red house**.", "the red house"),
        ("Paris\nIt is the capital.", "Paris"),
        ("", ""),
    ],
)
def test_a_final_answer_is_read(text: str, answer: str) -> None:
    assert read_final_answer(text, stop_sequences=["\n"]) == answer


@pytest.mark.parametrize(
    "piece",
    ["a", "the answer is ", "answer ", "A. ", "\n", "<think>", "\\boxed{", "((", "1,", "not "],
)
def test_a_hostile_answer_is_no_trouble(piece: str) -> None:
    text = f"The answer is {piece * (50_000 // len(piece))}"
    assert read_letter(text, CHOICES) in (None, "A")
    assert len(read_final_answer(text)) <= len(text)
