"""What the server notes of every request: counts of its workers, and a line of its log."""

import logging
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from gunicorn.glogging import Logger

from common.json_log import FIELDS
from proxy.metrics import Metrics
from proxy.routes.web import KEY_PREFIX, REQUEST_ID
from proxy.worker import end_worker

_QUIET_PATHS = ("/healthz", "/readyz", "/metrics")  # asked every few seconds

access_logger = logging.getLogger("proxy.access")


# --- Counting requests --------------------------------------------------------------------------


def _choose_slot(arbiter: Any, worker: Any) -> None:
    """In the master: a slot that no living worker has."""
    taken = {living.slot for living in arbiter.WORKERS.values()}
    free = (slot for slot in range(worker.app.metrics.num_slots) if slot not in taken)
    worker.slot = next(free, None)


def _use_slot(_arbiter: object, worker: Any) -> None:
    if worker.slot is None:  # after many signals in a short time: it counts for itself
        worker.app.metrics = Metrics()
    else:
        worker.app.metrics.use_slot(worker.slot)


def _begin_request(worker: Any, request: Any) -> None:
    request.began = time.monotonic()
    worker.app.metrics.add("http_requests_in_flight")


def _end_request(worker: Any, request: Any, environ: dict[str, Any], response: Any) -> None:
    metrics: Metrics = worker.app.metrics
    metrics.add("http_requests_in_flight", amount=-1)
    # The route as it is written in the code: paths are the callers', and without end.
    rule = getattr(environ.get("bottle.route"), "rule", "none")
    status = str(getattr(response, "status", "")).partition(" ")[0] or "none"
    metrics.add("http_requests_total", str(request.method), rule, status)
    metrics.observe("http_request_seconds", rule, value=time.monotonic() - request.began)


def _leave_slot(_arbiter: object, worker: Any) -> None:
    """In the master: what a worker that has ended had counts no more."""
    if worker.slot is not None:
        worker.app.open_connections.set(worker.slot, None)


HOOKS = {
    "pre_fork": _choose_slot,
    "post_fork": _use_slot,
    "pre_request": _begin_request,
    "post_request": _end_request,
    "worker_exit": end_worker,
    "child_exit": _leave_slot,
}


# --- Log ----------------------------------------------------------------------------------------


class Log(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's log, in the format of ours, and an access log without a query, prompt or key."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def warning(self, msg: str, *args: object, **kwargs: Any) -> None:
        if msg.startswith("Invalid request from"):
            # The rest repeats what the client sent.
            msg = msg.partition(":")[0]
        super().warning(msg, *args, **kwargs)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        path = quote(environ["RAW_URI"].partition("?")[0], safe="/%:@!$&'()*+,;=~")
        fields = {
            "request_id": environ.get(REQUEST_ID),
            "key_prefix": environ.get(KEY_PREFIX),
            "method": req.method,
            "path": path,
            "status": int(str(resp.status).partition(" ")[0]),
            "seconds": round(request_time.total_seconds(), 6),
            "bytes": resp.sent,
        }
        access_logger.log(
            logging.DEBUG if path in _QUIET_PATHS else logging.INFO,
            "%s %s %d %.3f s %s bytes request=%s key=%s",
            *(fields["method"], path, fields["status"], fields["seconds"], fields["bytes"]),
            *(fields["request_id"] or "-", fields["key_prefix"] or "-"),
            extra={FIELDS: fields},
        )
