"""Tiny data sets in the raw format of each scenario whose real data can't be had for tests.

Contents are made up; file names, archive layouts, columns and fields are those of the originals.
"""

import gzip
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow
import zstandard
from pyarrow import parquet

from benchmark.scenarios import (
    arc_scenario,
    civil_comments_scenario,
    code_scenario,
    copyright_scenario,
    disinformation_scenario,
    gpqa_scenario,
    ifeval_scenario,
    legal_support_scenario,
    lsat_qa_scenario,
    mmlu_pro_scenario,
    msmarco_scenario,
    narrativeqa_scenario,
    natural_qa_scenario,
    pubmed_qa_scenario,
    synthetic_efficiency_scenario,
    the_pile_scenario,
    twitter_aae_scenario,
    wikifact_scenario,
    winogrande_scenario,
)
from data_sources import tar_of, zip_of

_PAGE = "<p>The café of <b>Ann</b></p>"
_SPLITS = ("train", "valid", "test")


def raw_files() -> dict[str, bytes | str]:
    """Original URL → content, for all of them."""
    return {
        **_arc(),
        **_civil_comments(),
        **_code(),
        **_copyright(),
        **_disinformation(),
        **_gpqa(),
        **_ifeval(),
        **_legal_support(),
        **_lsat_qa(),
        **_mmlu_pro(),
        **_msmarco(),
        **_narrative_qa(),
        **_natural_qa(),
        **_pubmed_qa(),
        **_synthetic_efficiency(),
        **_the_pile(),
        **_twitter_aae(),
        **_wikifact(),
        **_winogrande(),
    }


def place_by_hand(scenarios_path: Path) -> None:
    """Put where they belong the data that need a licence, as a person would who has got it."""
    texts = scenarios_path / "ice" / "ICE-JA" / "Corpus"
    texts.mkdir(parents=True)
    (texts / "S1A-001.txt").write_text("<ICE-JA:S1A-001#1:1:A> Good evening.", encoding="utf-8")
    answer = {"s": 14, "e": 17}
    asked = {
        "q": "Who was acquitted?",
        "consensus": answer,
        "answers": [{"sourcerAnswers": [answer]}],
        "isQuestionBad": 0.0,
    }
    stories = [
        {"text": "The acquitted Ann.", "type": kind, "questions": [asked], "storyId": kind}
        for kind in ("train", "dev")
    ]
    (scenarios_path / "newsqa").mkdir()
    (scenarios_path / "newsqa" / "combined-newsqa-data-v1.json").write_text(
        json.dumps({"version": "1", "data": stories})
    )


def _lines(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _csv(columns: str, rows: Iterable[Iterable[object]]) -> str:
    return "\n".join([columns, *(",".join(map(str, row)) for row in rows)]) + "\n"


def _arc() -> dict[str, bytes | str]:
    choices = [{"text": f"choice {label}", "label": label} for label in "ABCD"]
    question = {"stem": "Which?", "choices": choices}
    folder = "ARC-V1-Feb2018-2/ARC-Challenge/ARC-Challenge"
    row = _lines([{"id": "q1", "question": question, "answerKey": "B"}])
    files = {f"{folder}-{split}.jsonl": row for split in ("Train", "Dev", "Test")}
    return {arc_scenario.ARCHIVE.url: zip_of(files)}


def _civil_comments() -> dict[str, bytes | str]:
    rows = ((i, f"comment {i}", i / 10, i / 10) for i in range(10))
    content = _csv("id,comment_text,severe_toxicity,toxicity", rows)
    return {civil_comments_scenario.FILES["all"].url: content}


def _code() -> dict[str, bytes | str]:
    tests = '{"inputs": ["1\\n"], "outputs": ["2\\n"]}'
    files = {
        "APPS/train/0000/question.txt": "Add.",
        "APPS/train/0000/solutions.json": json.dumps(["print(int(input()) + 1)"]),
        "APPS/test/0000/question.txt": "Add one.",
        "APPS/test/0000/input_output.json": tests,
    }
    return {code_scenario.APPS_ARCHIVE.url: tar_of(files, "w:gz")}


def _copyright() -> dict[str, bytes | str]:
    content = {"data": {"Once upon": "Once upon a time."}, "metadata": {}}
    return {copyright_scenario.FILES["pilot"].url: json.dumps(content)}


def _disinformation() -> dict[str, bytes | str]:
    theses = [
        {"thesis": "It is warm.", "headlines": ["A", "B"], "split": split, "topic": "covid"}
        for split in ("train", "train", "eval")
    ]
    wedges = [{"targeted_group": "g", "targeted_action": "no_vote", "prompt": "Do not"}]
    files = disinformation_scenario.FILES
    return {files["reiteration"].url: _lines(theses), files["wedging"].url: _lines(wedges)}


def _gpqa() -> dict[str, bytes | str]:
    columns = "Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3"
    content = _csv(columns, [("Which?", "right", "a", "b", "c")])
    return {gpqa_scenario.ARCHIVE.url: zip_of({"dataset/gpqa_main.csv": content})}


def _ifeval() -> dict[str, bytes | str]:
    kinds = ["punctuation:no_comma"]
    row = {"key": 1000, "prompt": "Write.", "instruction_id_list": kinds, "kwargs": [{}]}
    return {ifeval_scenario.FILE.url: _lines([row])}


def _legal_support() -> dict[str, bytes | str]:
    citations = {
        f"citation_{letter}": {"parenthetical": f"holding {letter}", "case": "A v. B"}
        for letter in "ab"
    }
    row = _lines([{"context": "It was held", "label": "a"} | citations])
    files = {f"legal_support/{split}.jsonl": row for split in ("train", "dev", "test")}
    return {legal_support_scenario.ARCHIVE.url: zip_of(files)}


def _lsat_qa() -> dict[str, bytes | str]:
    tags = ["", "", "simple ordering", ""]
    question = {"question": "Who?", "options": list("vwxyz"), "answer": "B", "tags": tags}
    content = json.dumps([{"passage": "P.", "questions": [question]}])
    return {file.url: content for file in lsat_qa_scenario.FILES.values()}


def _mmlu_pro() -> dict[str, bytes | str]:
    row = {
        "question": "How many?",
        "options": [str(number) for number in range(10)],
        "answer_index": 9,
        "category": "math",
    }
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([row]), buffer)
    return {file.url: buffer.getvalue() for file in mmlu_pro_scenario.FILES.values()}


def _msmarco() -> dict[str, bytes | str]:
    passages = "".join(f"{i}\ttext {i}\n" for i in range(30))
    queries = b"q1\twhat is it\nq2\twho\n"
    ranks = "".join(f"{query}\t{i}\t{i + 1}\n" for query in ("q1", "q2") for i in range(20))
    judged = "q1\t0\t3\t1\nq2\t0\t3\t1\n"
    judged_of_trec = "q1 Q0 3 3\nq2 Q0 3 3\n"
    files: dict[str, bytes | str] = {msmarco_scenario.PASSAGES.url: passages}
    for source, qrels in (
        (msmarco_scenario.TRAIN, judged),
        (msmarco_scenario.REGULAR, judged),
        (msmarco_scenario.TREC, judged_of_trec),
    ):
        is_zipped = source.queries.url.endswith(".gz")
        files[source.queries.url] = gzip.compress(queries) if is_zipped else queries
        files[source.qrels.url] = qrels
        files[source.topk.url] = ranks
    return files


def _narrative_qa() -> dict[str, bytes | str]:
    summaries = _csv("document_id,set,summary", ((split, split, "Once.") for split in _SPLITS))
    questions = _csv(
        "document_id,set,question,answer1,answer2",
        ((split, split, "When?", "Once.", "Then.") for split in _SPLITS),
    )
    files = {
        "narrativeqa-master/qaps.csv": questions,
        "narrativeqa-master/third_party/wikipedia/summaries.csv": summaries,
    }
    return {narrativeqa_scenario.ARCHIVE.url: zip_of(files)}


def _natural_qa() -> dict[str, bytes | str]:
    start = _PAGE.encode().index(b"<b>")
    name = {"start_token": 0, "start_byte": start, "end_byte": start + len("<b>Ann</b>")}
    page = {"start_token": 0, "start_byte": 0, "end_byte": len(_PAGE.encode())}
    record = {
        "question_text": "whose café is it",
        "document_title": "The café",
        "document_html": _PAGE,
        "document_tokens": [{"token": word} for word in ("<P>", "Ann", "</P>")],
        "annotations": [{"long_answer": page, "short_answers": [name], "yes_no_answer": "NONE"}],
    }
    content = gzip.compress(_lines([record, record]).encode())
    return {file.url: content for file in natural_qa_scenario.FILES}


def _pubmed_qa() -> dict[str, bytes | str]:
    row = {
        "QUESTION": "Does it?",
        "CONTEXTS": ["It was."],
        "LABELS": ["BACKGROUND"],
        "final_decision": "no",
    }
    return {file.url: json.dumps({"9": row}) for file in pubmed_qa_scenario.FILES.values()}


def _synthetic_efficiency() -> dict[str, bytes | str]:
    names = (
        synthetic_efficiency_scenario.file_name(16, "huggingface/gpt2", index)
        for index in range(10)
    )
    return {synthetic_efficiency_scenario.data_file(name).url: f"text {name}" for name in names}


def _the_pile() -> dict[str, bytes | str]:
    lines = _lines(
        {"text": f"Document {i}.", "meta": {"pile_set_name": "Wikipedia (en)"}} for i in range(3)
    )
    return {
        the_pile_scenario.FILE.url: zstandard.compress(lines.encode()),
        the_pile_scenario.INDICES_FILES["wikipedia"].url: "[0, 2]",
    }


def _twitter_aae() -> dict[str, bytes | str]:
    return {file.url: 'hi\n"one, two"\n' for file in twitter_aae_scenario.FILES.values()}


def _wikifact() -> dict[str, bytes | str]:
    fact = {
        "property": "P19",
        "template": "Ann was born in",
        "result_names": [["Lima"]],
        "query_name": "Ann",
        "domain": "general",
    }
    files = {f"wikifact_data/{name}.jsonl": _lines([fact]) for name in ("train", "dev", "test")}
    return {wikifact_scenario.ARCHIVE.url: zip_of(files)}


def _winogrande() -> dict[str, bytes | str]:
    row = {"qID": "q", "sentence": "The _ is small.", "option1": "couch", "option2": "garage"}
    content = _lines([row | {"answer": "1"}])
    files = {f"winogrande_1.1/{name}.jsonl": content for name in ("train_xl", "dev")}
    return {winogrande_scenario.ARCHIVE.url: zip_of(files)}
