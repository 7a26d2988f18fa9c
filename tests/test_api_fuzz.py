"""Made-up requests to every route of a running `proxy-server`: none makes it fail.

They are made of /openapi.json by https://schemathesis.readthedocs.io, the same each time: valid
ones, ones at the limits of each field, and ones that are wrong in every way it knows.
"""

import os
import subprocess
import sys
from pathlib import Path

from example_proxy import example_proxy

NUM_EXAMPLES = 8  # of each operation, beside those at the limits of its fields
SECONDS = 300

# Providers and tokenizers that fail are told with 502, 503 or 504; answers are as documented.
SETTINGS = """
hooks = "fuzz_hooks"
request-timeout = 20.0
warnings = false

[generation]
max-examples = {num_examples}
deterministic = true
database = "none"

[phases.coverage]
unexpected-methods = []

[phases.stateful]
enabled = false

[checks]
enabled = false

[checks.not_a_server_error]
enabled = true
expected-statuses = ["2xx", "3xx", "4xx", 502, 503, 504]

[checks.response_schema_conformance]
enabled = true
"""


def test_no_request_makes_the_server_fail(tmp_path: Path) -> None:
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS.format(num_examples=NUM_EXAMPLES))
    with example_proxy(tmp_path) as proxy:
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings)),
                *("run", f"{proxy.url}/openapi.json", "--suppress-health-check", "all"),
            ],
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": str(Path(__file__).parent), "FUZZ_DATABASE": proxy.database_url},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        log = proxy.log()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Traceback" not in log
    # Most of them got past the door.
    assert log.count(" 401 ") < log.count(" 200 ") / 10
