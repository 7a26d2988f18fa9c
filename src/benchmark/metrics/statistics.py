"""Means with their uncertainty, and numbers of a whole corpus."""

import math
from collections.abc import Callable, Container, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from statistics import NormalDist
from typing import Any, TypeVar

import msgspec

MAX_VALUE = 1e100  # beyond it, sums of squares overflow
MAX_EXPONENT = 700.0  # e^709.8 is the largest float
CONFIDENCE = 0.95
MAX_JACKKNIFE_GROUPS = 50
_BINARY = frozenset((0.0, 1.0))

Cluster = TypeVar("Cluster")


class Estimate(msgspec.Struct, frozen=True):
    """A mean over `n` clusters, with its standard error and 95 % interval; None for one cluster."""

    mean: float
    n: int
    standard_error: float | None
    interval: tuple[float, float] | None


def cluster_mean(
    values_by_cluster: Mapping[Any, Sequence[float]], *, is_proportion: bool = False
) -> Estimate:
    """Mean over all values, with an uncertainty that allows for values of a cluster being alike.

    With N values in G clusters, the standard error is the cluster-robust
    sqrt(G/(G-1) · Σ_clusters (Σ_values (x - mean))²) / N. The interval is mean ± t · standard
    error, t of Student's distribution with G-1 degrees of freedom. For a proportion whose values
    are all 0 or 1 it is Wilson's score interval of n values: n = N if every cluster has one value.
    Otherwise n is the effective sample size N / design effect, at most N; that is
    1 + p(1-p) / standard error², or G where p is 0 or 1 and the standard error says nothing.

    Args:
        values_by_cluster: Values per instance id, over its trials (and perturbations). Their order
            does not matter; clusters without values are left out.
        is_proportion: Whether values are shares of 1, such as correct or not.

    Raises:
        ValueError: There is no value, or one is not finite or beyond ±1e100.

    Source: Liang and Zeger 1986, https://doi.org/10.1093/biomet/73.1.13; Wilson 1927,
    https://doi.org/10.1080/01621459.1927.10502953; Korn and Graubard 1998 for the effective size.
    """
    clusters = [values for values in values_by_cluster.values() if values]
    num_values, num_clusters = sum(map(len, clusters)), len(clusters)
    if not clusters:
        raise ValueError("a mean needs at least one value")
    if not all(abs(value) < MAX_VALUE for values in clusters for value in values):
        raise ValueError("a value is not finite, or too large to be averaged")
    mean = math.fsum(value for values in clusters for value in values) / num_values
    if num_clusters == 1:
        return Estimate(mean, 1, None, None)
    sums = (math.fsum(values) - mean * len(values) for values in clusters)
    squares = math.fsum(total * total for total in sums)
    is_binary = is_proportion and _BINARY.issuperset(chain.from_iterable(clusters))
    return _estimate(mean, squares, num_values, num_clusters, is_binary=is_binary)


def independent_mean(values: Sequence[float], *, is_proportion: bool = False) -> Estimate:
    """The same as `cluster_mean` of clusters with one value each, in a fraction of the time.

    Args:
        values: In any order.
        is_proportion: Whether values are shares of 1, such as correct or not.

    Raises:
        ValueError: There is no value, or one is not finite or beyond ±1e100.
    """
    if not values:
        raise ValueError("a mean needs at least one value")
    # A sum of anything that is not finite is not finite, or an error.
    if not (math.isfinite(total := math.fsum(values)) and max(map(abs, values)) < MAX_VALUE):
        raise ValueError("a value is not finite, or too large to be averaged")
    mean = total / len(values)
    if len(values) == 1:
        return Estimate(mean, 1, None, None)
    squares = math.fsum([(value - mean) * (value - mean) for value in values])
    is_binary = is_proportion and _BINARY.issuperset(values)
    return _estimate(mean, squares, len(values), len(values), is_binary=is_binary)


def jackknife(
    clusters: list[Cluster],
    estimate: Callable[[list[Cluster]], Mapping[str, float]],
    proportions: Container[str] = (),
) -> dict[str, Estimate]:
    """Uncertainties of numbers that are no means, by leaving out a group of clusters at a time.

    With G groups and the number θ_g without group g, the standard error is
    sqrt((G-1)/G · Σ_g (θ_g - mean of θ_g)²); the interval is θ ± t · standard error, with G-1
    degrees of freedom. There are as many groups as clusters, at most 50.

    Args:
        clusters: What the numbers are made of, one item an instance, in a fixed order.
        estimate: The numbers, by name, from any of the clusters, at least one; without those that
            are not defined. A number that is not defined without some group has no interval.
        proportions: Names of numbers whose interval ends at 0 and 1.

    Raises:
        ValueError: A number is not finite or beyond ±1e100.

    Source: Kott 2001, "The delete-a-group jackknife", Journal of Official Statistics 17(4).
    """
    numbers = estimate(clusters)
    if not all(abs(number) < MAX_VALUE for number in numbers.values()):
        raise ValueError("a number is not finite, or too large")
    num_groups = min(len(clusters), MAX_JACKKNIFE_GROUPS)
    leaving_out = range(num_groups) if num_groups > 1 and numbers else range(0)
    replicates = [
        estimate([one for index, one in enumerate(clusters) if index % num_groups != group])
        for group in leaving_out
    ]
    estimates = {}
    for name, number in numbers.items():
        values = [replicate.get(name, math.nan) for replicate in replicates]
        if not values or not all(abs(value) < MAX_VALUE for value in values):
            estimates[name] = Estimate(number, len(clusters), None, None)
            continue
        mean = math.fsum(values) / num_groups
        squares = math.fsum((value - mean) ** 2 for value in values)
        standard_error = math.sqrt((num_groups - 1) / num_groups * squares)
        margin = t_quantile(1 - (1 - CONFIDENCE) / 2, num_groups - 1) * standard_error
        low, high = number - margin, number + margin
        if name in proportions:
            low, high = max(0.0, low), min(1.0, high)
        estimates[name] = Estimate(number, len(clusters), standard_error, (low, high))
    return estimates


def wilson_interval(proportion: float, n: float) -> tuple[float, float]:
    """The 95 % score interval of a proportion of `n` values, in [0, 1]; `n` may be fractional."""
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2)
    scale = 1 + z * z / n
    centre = (proportion + z * z / (2 * n)) / scale
    margin = z / scale * math.sqrt(proportion * (1 - proportion) / n + (z / (2 * n)) ** 2)
    lower = 0.0 if proportion == 0.0 else max(0.0, centre - margin)
    upper = 1.0 if proportion == 1.0 else min(1.0, centre + margin)
    return lower, upper


@lru_cache(maxsize=1024)
def t_quantile(probability: float, degrees_of_freedom: int) -> float:
    """The quantile of Student's t distribution, exact for 1 and 2 degrees, else to about 1e-4.

    Args:
        probability: Of a value below the quantile; in (0.5, 1).
        degrees_of_freedom: At least 1.

    Source: Hill 1970, Algorithm 396, https://doi.org/10.1145/355598.355600.
    """
    n, two_tailed = degrees_of_freedom, 2 * (1 - probability)
    if n == 1:
        return 1 / math.tan(two_tailed * math.pi / 2)
    if n == 2:
        return math.sqrt(2 / (two_tailed * (2 - two_tailed)) - 2)
    a = 1 / (n - 0.5)
    b = 48 / a**2
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * n
    y = (d * two_tailed) ** (2 / n)
    if y <= 0.05 + a:
        inner = 1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)
        return math.sqrt(n * ((inner * y - 1) * (n + 1) / (n + 2) + 1 / y))
    x = NormalDist().inv_cdf(two_tailed / 2)
    if n < 5:
        c += 0.3 * (n - 4.5) * (x + 0.6)
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b
    square = x * x
    y = (((((0.4 * square + 6.3) * square + 36) * square + 94.5) / c - square - 3) / b + 1) * x
    return math.sqrt(n * math.expm1(a * y * y))


def corpus_numbers(logprob_sum: float, num_tokens: float, num_bytes: float) -> dict[str, float]:
    """Perplexity per token, bits per byte and log-probability per byte of a whole corpus.

    Args:
        logprob_sum: Natural log-probability of all scored tokens.
        num_tokens: How many they are. Without any, nothing is returned.
        num_bytes: Their UTF-8 bytes. Without any, the numbers per byte are left out.

    Returns:
        `perplexity`, `bits_per_byte`, `logprob_per_byte`; without what is not defined, or is too
        large for a float (a perplexity above e^700).
    """
    if num_tokens <= 0 or not math.isfinite(logprob_sum):
        return {}
    numbers = {}
    if -logprob_sum / num_tokens <= MAX_EXPONENT:
        numbers["perplexity"] = math.exp(-logprob_sum / num_tokens)
    if num_bytes > 0:
        # adding 0.0 turns -0.0 into 0.0
        numbers["bits_per_byte"] = -logprob_sum / num_bytes / math.log(2) + 0.0
        numbers["logprob_per_byte"] = logprob_sum / num_bytes
    return numbers


def _estimate(
    mean: float, squares: float, num_values: int, num_clusters: int, *, is_binary: bool
) -> Estimate:
    """The uncertainty of a mean; `squares` sums up what each cluster's values differ from it."""
    correction = num_clusters / (num_clusters - 1)
    standard_error = math.sqrt(correction * squares) / num_values
    if is_binary:
        size = _effective_size(mean, standard_error, num_values, num_clusters)
        return Estimate(mean, num_clusters, standard_error, wilson_interval(mean, size))
    margin = t_quantile(1 - (1 - CONFIDENCE) / 2, num_clusters - 1) * standard_error
    return Estimate(mean, num_clusters, standard_error, (mean - margin, mean + margin))


def _effective_size(
    proportion: float, standard_error: float, num_values: int, num_clusters: int
) -> float:
    if num_values == num_clusters:
        return num_values
    spread = proportion * (1 - proportion)
    if spread == 0.0:
        return num_clusters
    if standard_error == 0.0:
        return num_values
    return min(num_values, 1 + spread / standard_error**2)
