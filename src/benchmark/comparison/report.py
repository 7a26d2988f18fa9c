"""A comparison as text: the verdict first, then what it rests on."""

import json
from collections.abc import Mapping, Sequence

from benchmark.comparison.comparing import Comparison, Overall
from benchmark.comparison.models import ModelComparison
from benchmark.comparison.paired_statistics import Difference
from benchmark.comparison.reasons import Reason
from benchmark.console_table import MISSING, format_table
from common.request import OUTCOMES

_POINTS = 100  # a share of 1, in points
_MAX_ANSWER = 40
_MAX_FIELD = 60


def verdict(comparison: Comparison) -> str:
    """Return the result in one sentence."""
    difference = comparison.difference
    if difference.interval is None:
        return "One instance says nothing: no difference could be shown, n = 1"
    low, high = difference.interval
    if comparison.is_turned:
        low, high = -high, -low
    if comparison.is_significant:
        size = comparison.improvement
        if size < 0:
            low, high = -high, -low
        words = ("higher", "lower") if comparison.higher_is_better is None else ("better", "worse")
        what = f"B is {words[size < 0]} by {_amount(abs(size), comparison)}"
    else:
        size = comparison.improvement
        words = ("ahead", "behind") if comparison.higher_is_better is not None else ("up", "down")
        where = f"B is {words[size < 0]} by {_amount(abs(size), comparison)}" if size else "equal"
        what = f"No difference could be shown ({where})"
    scale = _scale(comparison)
    sentence = (
        f"{what}, 95 % interval {_number(low * scale)} to {_number(high * scale)}, "
        f"n = {difference.n:,}"
    )
    if difference.detectable is not None:
        seen = _number(difference.detectable * scale)
        sentence += f"; smallest difference this test could see: {seen}"
    return sentence


def overall_verdict(comparisons: Sequence[Comparison], overall: Overall | None) -> str:
    """Return the result over many tasks in one sentence or two."""
    num_better = sum(one.is_better for one in comparisons)
    num_worse = sum(one.is_worse for one in comparisons)
    counts = (
        f"B is better in {num_better} of {len(comparisons)} tasks and worse in {num_worse}, "
        "beyond chance"
    )
    if overall is None:
        return counts
    low, high, size = *overall.interval, overall.improvement
    if overall.is_significant:
        if size < 0:
            low, high = -high, -low
        what = f"B is {'worse' if size < 0 else 'better'} by {_number(abs(size) * _POINTS)} points"
    else:
        what = "No difference could be shown"
    return (
        f"{what} on average over {overall.num_tasks} tasks, 95 % interval "
        f"{_number(low * _POINTS)} to {_number(high * _POINTS)}. {counts}"
    )


def report(comparison: Comparison, max_changes: int) -> str:
    """Return all that is known of one task."""
    one, difference = comparison, comparison.difference
    rows = [
        ("A", one.model_a, _score(difference.mean_a), *_counts(one.outcomes_a), one.run_a),
        ("B", one.model_b, _score(difference.mean_b), *_counts(one.outcomes_b), one.run_b),
    ]
    headers = ("", "model", one.metric, *OUTCOMES, "run")
    lines = [verdict(one), "", format_table(headers, rows), ""]
    lines += _tests(one)
    if one.num_only_a or one.num_only_b:
        lines.append(
            f"Left out, since the other has no value or another text: {one.num_only_a:,} of A, "
            f"{one.num_only_b:,} of B"
        )
    if one.has_other_data:
        lines.append("The runs read different data; only instances with the same text are compared")
    if one.versions:
        lines += ["", _versions(one)]
    if one.changes and max_changes:
        shown = one.changes[:max_changes]
        lines += ["", f"Changed instances ({len(shown):,} of {len(one.changes):,}):", ""]
        changed = [
            (
                change.id,
                f"{change.value_a:g}",
                f"{change.value_b:g}",
                _short(change.answer_a, _MAX_ANSWER),
                _short(change.answer_b, _MAX_ANSWER),
            )
            for change in shown
        ]
        lines.append(format_table(("instance", "A", "B", "answer of A", "answer of B"), changed))
    return "\n".join(lines)


def tasks_report(compared: ModelComparison) -> str:
    """Return a table of many tasks, below their verdict."""
    comparisons = compared.comparisons
    rows = [_task_row(one) for one in comparisons]
    counted = "/".join(OUTCOMES)
    headers = [
        *("task", "metric", "A", "B", "B - A [95 %]", "n", "p (Holm)", "B is"),
        *(f"A: {counted}", f"B: {counted}"),
    ]
    lines = [
        overall_verdict(comparisons, compared.overall),
        "",
        f"A: {comparisons[0].model_a}",
        f"B: {comparisons[0].model_b}",
        "",
        format_table(headers, rows),
    ]
    if compared.skipped:
        lines += ["", "Not compared:"]
        lines += [f"  {task}: {why}" for task, why in compared.skipped.items()]
    for task, reasons in compared.reasons.items():
        lines += ["", f"{task}. {reasons_report(reasons)}"]
    return "\n".join(lines)


def reasons_report(reasons: Sequence[Reason]) -> str:
    """Return why two runs differ."""
    if not reasons:
        return "Why they differ: nothing that decides results differs"
    rows = [
        (
            one.about,
            one.field,
            _short(_text(one.value_a), _MAX_FIELD),
            _short(_text(one.value_b), _MAX_FIELD),
        )
        for one in reasons
    ]
    return "Why they differ:\n\n" + format_table(("", "field", "A", "B"), rows)


def _task_row(one: Comparison) -> tuple[str, ...]:
    difference, finding = one.difference, MISSING
    if one.is_significant:
        finding = "worse" if one.is_worse else "better"
        if one.higher_is_better is None:
            finding = "other"
    return (
        one.task,
        one.metric,
        _score(difference.mean_a),
        _score(difference.mean_b),
        _difference(difference),
        str(difference.n),
        _p_value(one.adjusted_p_value),
        finding,
        "/".join(_counts(one.outcomes_a)),
        "/".join(_counts(one.outcomes_b)),
    )


def _counts(outcomes: Mapping[str, int]) -> list[str]:
    return [f"{outcomes.get(outcome, 0)}" for outcome in OUTCOMES]


def _tests(one: Comparison) -> list[str]:
    difference, lines = one.difference, list[str]()
    if difference.only_a is not None and difference.only_b is not None:
        lines.append(
            f"McNemar's test: p = {_p_value(difference.p_value)}; {difference.only_a:,} instances "
            f"are 1 in A only, {difference.only_b:,} in B only"
        )
    elif difference.p_value is not None:
        lines.append(f"Student's test of pairs: p = {_p_value(difference.p_value)}")
    if difference.bootstrap_interval is not None:
        low, high = (_number(value * _scale(one)) for value in difference.bootstrap_interval)
        lines.append(f"B - A by paired bootstrap: 95 % interval {low} to {high}")
    return lines


def _versions(one: Comparison) -> str:
    rows = [
        (
            version.perturbation,
            _score(version.difference.mean_a),
            _score(version.difference.mean_b),
            _difference(version.difference),
            str(version.difference.n),
        )
        for version in one.versions
    ]
    return format_table(("perturbation", "A", "B", "B - A [95 %]", "n"), rows)


def _difference(difference: Difference) -> str:
    text = f"{difference.difference:.3f}"
    if difference.interval is not None:
        low, high = difference.interval
        text += f" [{low:.3f}, {high:.3f}]"
    return text


def _scale(one: Comparison) -> int:
    return _POINTS if one.is_proportion else 1


def _amount(size: float, one: Comparison) -> str:
    return f"{_number(size * _scale(one))}{' points' if one.is_proportion else ''}"


def _number(value: float) -> str:
    """With as many digits as say something: 2.1, 0.0034."""
    rounded = f"{value:.1f}" if abs(value) >= 1 or value == 0 else f"{value:.2g}"
    return "0.0" if rounded == "-0.0" else rounded


def _score(value: float) -> str:
    return f"{value:.3f}"


def _p_value(value: float | None) -> str:
    if value is None:
        return MISSING
    return "0.0001 or less" if value < 1e-4 else f"{value:.4f}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str | None, length: int) -> str:
    if text is None:
        return MISSING
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
