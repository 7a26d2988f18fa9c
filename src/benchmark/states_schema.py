"""What is in the database of a run's states.

Tables:

    texts(id, text)                     what many prompts begin with, and other repeated texts
    instances(id, data)                 each evaluated instance (perturbed versions are others)
    states(id, instance, …, result)     each answered request, by its place in the run
    instance_values(…)                  view: (instance, trial, perturbation, metric, value); the
                                        values of an earlier version are those of NAME@vVERSION
    meta(key, value)                    the run's hash, and how far it has come
"""

LAYOUT = 2
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS instances (id INTEGER PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS states (
    id INTEGER PRIMARY KEY,
    instance INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    reference_index INTEGER,
    request_mode TEXT,
    output_mapping TEXT,
    num_in_context_examples INTEGER NOT NULL,
    num_conditioning_tokens INTEGER NOT NULL,
    window_index INTEGER NOT NULL,
    is_truncated INTEGER NOT NULL,
    request INTEGER NOT NULL,
    beginning INTEGER,
    ending TEXT NOT NULL,
    outcome TEXT,
    result TEXT,
    tokens BLOB
);
CREATE TABLE IF NOT EXISTS metric_values (
    instance INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    metric INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (instance, trial, metric)
) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS instance_values AS
    SELECT json_extract(instances.data, '$.id') AS instance, trial,
        json_extract(instances.data, '$.perturbation.name') AS perturbation,
        texts.text AS metric, value
    FROM metric_values
    JOIN instances ON instances.id = metric_values.instance
    JOIN texts ON texts.id = metric_values.metric;
"""
INSERT_STATE = "INSERT OR REPLACE INTO states VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
INSERT_META = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
MOVE_STATES = """
INSERT INTO states
SELECT moves.place, moves.instance, trial, reference_index, request_mode, output_mapping,
    num_in_context_examples, num_conditioning_tokens, window_index, is_truncated, request,
    beginning, ending, outcome, result, tokens
FROM moved JOIN moves ON moves.old = moved.id
"""
INSERT_INSTANCE = "INSERT OR REPLACE INTO instances VALUES (?, ?)"
