"""What is asked of the answers of a run: parts of SQL queries, see `states_view.py`."""

ROWS = """
SELECT states.id, json_extract(data, '$.id'), trial, json_extract(data, '$.split'),
    json_extract(data, '$.perturbation'), substr(json_extract(data, '$.input'), 1, :length),
    (SELECT json_group_array(substr(json_extract(value, '$.output'), 1, :length))
        FROM json_each(data, '$.references')
        WHERE json_extract(value, '$.tags') LIKE '%"correct"%'),
    outcome, substr(json_extract(result, '$.completions[0].text'), 1, :length),
    substr(json_extract(result, '$.error'), 1, :length), output_mapping,
    (SELECT value FROM metric_values
        WHERE metric_values.instance = states.instance AND metric_values.trial = states.trial
        AND metric = :metric)
FROM states JOIN instances ON instances.id = states.instance
"""
# The samples that a search finds, and the versions of one instance.
FOUND = """
SELECT states.id, coalesce(json_extract(data, '$.id'), states.id),
    substr(json_extract(data, '$.input'), 1, :length)
FROM states JOIN instances ON instances.id = states.instance
"""
VERSIONS = """
SELECT min(states.id), trial, json_extract(data, '$.perturbation')
FROM states JOIN instances ON instances.id = states.instance
"""
# The first request of each instance and trial: the one that stands for it in a list.
IS_FIRST = (
    "coalesce(reference_index, 0) = 0 AND window_index = 0 "
    "AND coalesce(request_mode, '') != 'calibration'"
)
_VALUE = (
    "(SELECT value FROM metric_values WHERE metric_values.instance = states.instance "
    "AND metric_values.trial = states.trial AND metric = :metric)"
)
# Perturbed versions, in their trial, that score otherwise than the instance as it was.
_FLIPPED = """
(states.instance, states.trial) IN (
    WITH scored AS MATERIALIZED (
        SELECT instance, trial, value, json_extract(data, '$.id') AS id,
            coalesce(json_extract(data, '$.perturbation.name'), 'identity') = 'identity' AS is_own
        FROM metric_values JOIN instances ON instances.id = instance WHERE metric = :metric)
    SELECT version.instance, version.trial
    FROM scored AS version JOIN scored AS own ON own.id = version.id AND own.trial = version.trial
    WHERE own.is_own AND NOT version.is_own AND own.value != version.value)
"""
FILTER_CONDITIONS = {
    "right": f"{_VALUE} >= 1",
    "partly": f"{_VALUE} > 0 AND {_VALUE} < 1",
    "wrong": f"{_VALUE} <= 0",
    "flipped": _FLIPPED,
    "unscored": f"{_VALUE} IS NULL",
    "error": "outcome = 'error'",
    "refused": "outcome = 'refused'",
    "truncated": "outcome = 'truncated'",
}
FILTERS = ("", *FILTER_CONDITIONS)

# Whole rows as JSON are looked at first: to find out that a text is not in it is fast that way.
HAS_TEXT = """
(data LIKE :raw ESCAPE '!' AND (json_extract(data, '$.input') LIKE :text ESCAPE '!'
    OR json_extract(data, '$.id') LIKE :text ESCAPE '!'
    OR EXISTS (SELECT 1 FROM json_each(data, '$.references')
        WHERE json_extract(value, '$.output') LIKE :text ESCAPE '!'))
OR result LIKE :raw ESCAPE '!' AND (json_extract(result, '$.error') LIKE :text ESCAPE '!'
    OR EXISTS (SELECT 1 FROM json_each(result, '$.completions')
        WHERE json_extract(value, '$.text') LIKE :text ESCAPE '!')))
"""


USAGE_NAMES = (
    *("num_answers", "prompt_tokens", "completion_tokens"),
    *("cached_tokens", "reasoning_tokens"),
)
USAGE = """
SELECT coalesce(json_extract(result, '$.cached'), 0), count(*),
    sum(coalesce(json_extract(result, '$.usage.prompt_tokens'), 0)),
    sum(coalesce(json_extract(result, '$.usage.completion_tokens'), 0)),
    sum(coalesce(json_extract(result, '$.usage.cached_tokens'), 0)),
    sum(coalesce(json_extract(result, '$.usage.reasoning_tokens'), 0))
FROM states WHERE outcome IS NOT NULL AND outcome != 'error' GROUP BY 1
"""
