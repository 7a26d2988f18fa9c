"""Values of single instances and requests, as plots need them: all at once."""

from typing import NamedTuple

from benchmark.web.states_view import StatesView

_MAIN_VALUES = """
SELECT json_extract(data, '$.id'), metric_values.trial, json_extract(data, '$.split'),
    json_extract(data, '$.sub_split'), json_extract(data, '$.perturbation'),
    num_examples, value
FROM metric_values JOIN instances ON instances.id = metric_values.instance
LEFT JOIN (
    SELECT instance, trial, min(num_in_context_examples) AS num_examples
    FROM states GROUP BY instance, trial
) AS asked ON asked.instance = metric_values.instance AND asked.trial = metric_values.trial
WHERE metric = ?
ORDER BY metric_values.instance, metric_values.trial
"""


class MainValue(NamedTuple):
    """A value of one instance; `perturbation` as JSON, where there is one."""

    id: str
    trial: int
    split: str | None
    sub_split: str | None
    perturbation: str | None
    num_examples: int | None
    value: float

    @property
    def is_original(self) -> bool:
        """Whether the instance is as it was."""
        return self.perturbation is None or '"name":"identity"' in self.perturbation


class PlotValues(StatesView):
    """Reads one file of states, for its plots."""

    def main_values(self, metric: int) -> list[MainValue]:
        """Return all values of a metric, with what they can be told apart by."""
        return [MainValue(*row) for row in self._read(_MAIN_VALUES, (metric,))]

    def request_times(self) -> list[float]:
        """Return the seconds that each request took when it was asked."""
        query = "SELECT json_extract(result, '$.request_time') AS time FROM states"
        return [time for (time,) in self._read(f"{query} WHERE time IS NOT NULL")]
