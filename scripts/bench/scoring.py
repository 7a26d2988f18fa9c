"""How fast answers are scored and summed up, on one core, and in how much memory.

    venv/bin/python scripts/bench/scoring.py [--num-instances 100000]

Answered requests are made beforehand. What is measured is the way from them to values of instances
(`Scorer.score`), and from values to statistics with intervals (`Aggregator.stats`). Seconds are of
CPU, so that other programs on the machine count little.
"""

import argparse
import gc
import random
import resource
import time
from collections.abc import Callable, Iterator
from itertools import product

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.aggregation import Aggregator
from benchmark.metrics.basic_metrics import BasicMetric
from benchmark.metrics.stat import MetricName, Stat
from benchmark.scenarios.scenario import CORRECT_TAG, TEST_SPLIT, Instance, Reference
from benchmark.scoring import Scorer
from common.request import Request, RequestResult, Sequence

SEED = 7
NUM_VALUES = 1_000_000
MAX_AGGREGATION_SECONDS = 3.0
MATCH_FAMILY = ["exact_match", "quasi_exact_match", "prefix_exact_match"]
MATCH_FAMILY += ["quasi_prefix_exact_match", "exact_match_indicator"]
MIN_MATCHED_PER_SECOND = 20_000
WORDS = [
    *("the", "apples", "Boxes", "coins", "running", "days,", "eggs", "friends", "of", "a", "game"),
    *("hours", "inches", "42", "3.5", "kites", "lamps", "miles.", "nation's", "obviously", "was"),
]
ANSWER, SUMMARY = 4, 50  # words

# What is measured: metrics, words of an answer, the least instances a second.
CASES: dict[str, tuple[list[str], int, int | None]] = {
    "no match, only counts": ([], ANSWER, None),
    "match family": (MATCH_FAMILY, ANSWER, MIN_MATCHED_PER_SECOND),
    "f1_score": (["f1_score"], ANSWER, None),
    "rouge-l": (["rouge-l"], ANSWER, None),
    "rouge-l of summaries": (["rouge-l"], SUMMARY, None),
    "all of these": ([*MATCH_FAMILY, "f1_score", "rouge-l"], ANSWER, None),
}

Rows = Iterator[tuple[str, str, str]]  # what, measured, goal


def make_states(num_instances: int, num_words: int) -> list[tuple[int, int, RequestState]]:
    """Answered requests; an answer has the words of its reference, or one of them more."""
    generator = random.Random(SEED)
    states = []
    for number in range(num_instances):
        words = generator.choices(WORDS, k=num_words)
        gold = " ".join(words)
        text = gold if number % 2 else " ".join([*words, generator.choice(WORDS)])
        completion = Sequence(f" {text}", 0.0, [], finish_reason={"reason": "stop"})
        result = RequestResult(success=True, completions=[completion], cached=False)
        reference = Reference(gold, tags=[CORRECT_TAG])
        instance = Instance(f"Question {number}", [reference], TEST_SPLIT, id=f"id{number}")
        state = RequestState(instance=instance, request=Request(), result=result)
        states.append((number, number, state))
    return states


def timed(work: Callable[[], object]) -> float:
    """CPU seconds that `work` takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def memory_mb() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def scoring(num_instances: int) -> Rows:
    """Instances a second, by metrics."""
    states: dict[int, list[tuple[int, int, RequestState]]] = {}
    for what, (names, num_words, goal) in CASES.items():
        if num_words not in states:
            states[num_words] = make_states(num_instances, num_words)
        spec = AdapterSpec(method=GENERATION, num_outputs=1)
        scorer = Scorer(spec, [BasicMetric(names)])

        def work(scorer: Scorer = scorer, num_words: int = num_words) -> None:
            for _ in scorer.score(states[num_words]):
                pass

        seconds = timed(work)
        measured = f"{num_instances / seconds:,.0f} instances/s"
        measured += f", then statistics in {timed(scorer.stats):.2f} s"
        yield what, measured, f"≥ {goal:,}/s" if goal else ""


def aggregation() -> Rows:
    """Seconds for a million values, of many metrics and of one."""
    for what, num_metrics, num_trials in (
        ("ten metrics, 100,000 instances", 10, 1),
        ("one metric, 200,000 instances, 5 trials", 1, 5),
    ):
        values = random.Random(SEED).choices((0.0, 1.0), k=NUM_VALUES // num_metrics)
        names = [MetricName(f"exact_match@{number}") for number in range(num_metrics)]
        stats = {value: [Stat(name, 1, mean=value) for name in names] for value in (0.0, 1.0)}
        num_instances = len(values) // num_trials
        instances = [Instance("q", [], TEST_SPLIT, id=f"id{i}") for i in range(num_instances)]
        trials = range(num_trials)
        rows = [
            (instance, trial, stats[value])
            for (instance, trial), value in zip(product(instances, trials), values, strict=True)
        ]
        aggregator = Aggregator()

        def add(
            aggregator: Aggregator = aggregator,
            rows: list[tuple[Instance, int, list[Stat]]] = rows,
        ) -> None:
            for row in rows:
                aggregator.add(*row)

        seconds = timed(add), timed(aggregator.stats)
        measured = f"added in {seconds[0]:.2f} s, summed up in {seconds[1]:.2f} s"
        yield f"aggregation: {what}", measured, f"< {MAX_AGGREGATION_SECONDS:.0f} s"


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--num-instances", type=int, default=100_000)
    args = parser.parse_args()
    gc.set_threshold(100_000, 50, 100)  # as benchmark-run does
    print("| What | Measured | Goal |")
    print("|---|---|---|")
    for rows in (scoring(args.num_instances), aggregation()):
        for row in rows:
            print(f"| {' | '.join(row)} |", flush=True)
    print(f"| most memory, answers included | {memory_mb():,.0f} MB | |")


if __name__ == "__main__":
    main()
