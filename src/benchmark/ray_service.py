"""Requests spread over the workers of a Ray cluster: `benchmark-run --runner ray`.

Runs stay where they are begun: one process makes the prompts, writes the answers and scores them,
so that folders, progress, budgets and results are those of a run without Ray. What is spread is
the asking, one request at a time over all runs, so that a large run is split by itself and a
worker that is lost takes nothing with it but what it was asking: Ray starts another and sends that
again, and what had been answered comes from the cache.

Ray: https://docs.ray.io/en/latest/ray-core/actors/fault-tolerance.html
"""

import contextlib
import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmark.executor import ask
from benchmark.service_spec import ServiceSpec
from common.authentication import Authentication
from common.errors import BenchError, InvalidRequestError, MissingExtraError
from common.request import Request, RequestResult, failed_result
from common.tokenization import (
    DecodeRequest,
    DecodeRequestResult,
    TokenizationRequest,
    TokenizationRequestResult,
)
from common.toxicity import PerspectiveAPIRequest, PerspectiveAPIRequestResult
from proxy.services.service import DeploymentInfo, GeneralInfo, Service

logger = logging.getLogger(__name__)

THIS_MACHINE = "local"
# A worker that asks others mostly waits: more than these at a time would not be faster.
_REQUESTS_PER_WORKER = 4
# How often a request is sent again that takes its worker down: one of them may be the reason.
_MAX_RETRIES = 3
_CONNECT_SECONDS = 5.0
_POLL_SECONDS = 0.2
_OBJECT_STORE_BYTES = 100_000_000  # requests and answers, never data


class RayWorker:
    """A process of the cluster that asks.

    Args:
        spec: Who is asked.
    """

    def __init__(self, spec: ServiceSpec) -> None:
        self._spec = spec
        self._service: Service | None = None
        self._lock = threading.Lock()

    def ask(self, auth: Authentication, request: Request) -> RequestResult:
        """Return what came back; a failure is a result as well."""
        try:
            with self._lock:
                if self._service is None:
                    self._service = self._spec.open_on_worker()
        except BenchError as error:
            return failed_result(f"on {socket.gethostname()}: {error}", error.code)
        return ask(self._service, auth, request)


class _Pool:
    """The workers for one kind of request; each is given the next one when it has the fewest."""

    def __init__(self, workers: list[Any]) -> None:
        self.num_open = 0
        self.workers = workers
        self._open = [0] * len(workers)

    def take(self) -> int:
        place = self._open.index(min(self._open))
        self._open[place] += 1
        return place

    def give_back(self, place: int) -> None:
        self._open[place] -= 1


class RayService(Service):
    """Asks models through workers of a Ray cluster, and all else in this process.

    A model that takes GPUs has workers of its own, as many as fit; all others share theirs. If
    there is no room for a model, those of another go as soon as nothing is asked of them.

    Args:
        service: Who knows deployments and tokenizers.
        spec: The same as data, for the workers.
        num_threads: How many requests are under way at a time.
        address: Of the cluster; "auto" finds one on this machine, "local" starts one here.

    Raises:
        MissingExtraError: Ray is not installed.
        InvalidRequestError: There is no cluster at the address, or its machines can't share the
            cache.
    """

    def __init__(
        self, service: Service, spec: ServiceSpec, num_threads: int, address: str = THIS_MACHINE
    ) -> None:
        self._service = service
        # Behind a proxy it is the proxy's machine that has the GPUs.
        self._deployments = None if spec.server_url else spec.deployments()
        self._num_threads = num_threads
        self._ray = _connect(address)
        try:
            self._spec = spec.for_workers(len(self._nodes()))
        except BaseException:
            self._ray.shutdown()
            raise
        self._pools: dict[str, _Pool] = {}
        self._changed = threading.Condition()
        self._making = threading.Lock()

    def close(self) -> None:
        self.disconnect()
        self._service.close()

    def disconnect(self) -> None:
        """End the workers, whatever they do."""
        self._ray.shutdown()

    def get_general_info(self) -> GeneralInfo:
        return self._service.get_general_info()

    def get_deployment(
        self, auth: Authentication, model: str, deployment: str | None = None
    ) -> DeploymentInfo:
        found = self._service.get_deployment(auth, model, deployment)
        needed = self._num_gpus(model, deployment)
        largest = max((node.get("GPU", 0) for node in self._nodes()), default=0)
        if needed > largest:
            raise InvalidRequestError(
                f"{found.name} needs {needed:g} GPUs on one machine, and no machine of the Ray "
                f"cluster has more than {largest:g}: correct num_gpus, or add a machine"
            )
        return found

    def make_request(
        self,
        auth: Authentication,
        request: Request,
        on_piece: Callable[[int, str], None] | None = None,
    ) -> RequestResult:
        # A worker does what it does for all models, or for one that takes GPUs.
        gpus = self._num_gpus(request.model, request.deployment)
        name = f"{request.model} {request.deployment or ''}" if gpus else ""
        with self._worker(name, gpus) as worker:
            try:
                result: RequestResult = self._ray.get(worker.ask.remote(auth, request))
            except self._ray.exceptions.RayError as error:
                reason = str(error).strip().partition("\n")[0]
                raise BenchError(f"the Ray worker that asked was lost: {reason}") from error
            return result

    def is_stored(self, auth: Authentication, request: Request) -> bool | None:
        return self._service.is_stored(auth, request)

    def tokenize(
        self, auth: Authentication, request: TokenizationRequest
    ) -> TokenizationRequestResult:
        return self._service.tokenize(auth, request)

    def decode(self, auth: Authentication, request: DecodeRequest) -> DecodeRequestResult:
        return self._service.decode(auth, request)

    def get_toxicity_scores(
        self, auth: Authentication, request: PerspectiveAPIRequest
    ) -> PerspectiveAPIRequestResult:
        return self._service.get_toxicity_scores(auth, request)

    # --- Workers --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _worker(self, name: str, gpus: float) -> Iterator[Any]:
        pool = self._take_pool(name, gpus)
        with self._changed:
            place = pool.take()
        try:
            yield pool.workers[place]
        finally:
            with self._changed:
                pool.give_back(place)
                pool.num_open -= 1
                self._changed.notify_all()

    def _take_pool(self, name: str, gpus: float) -> _Pool:
        with self._changed:
            if name in self._pools:
                self._pools[name].num_open += 1
                return self._pools[name]
        with self._making:  # the threads that ask first wait for one of them
            with self._changed:
                is_there = name in self._pools
            workers = [] if is_there else self._start(gpus)
            with self._changed:
                pool = self._pools.setdefault(name, _Pool(workers))
                pool.num_open += 1
                return pool

    def _start(self, gpus: float) -> list[Any]:
        if gpus:
            num = min(self._num_threads, self._wait_for_gpus(gpus))
        else:
            num_cpus = sum(int(node.get("CPU", 0)) for node in self._nodes())
            num = min(max(1, num_cpus), math.ceil(self._num_threads / _REQUESTS_PER_WORKER))
        logger.info("Ray workers: %d, machines: %d", num, len(self._nodes()))
        options: dict[str, Any] = {
            "max_restarts": -1,
            "max_task_retries": _MAX_RETRIES,
            "max_concurrency": math.ceil(self._num_threads / num),
            "scheduling_strategy": "SPREAD",
        }
        if gpus:
            options["num_gpus"] = gpus
        worker = self._ray.remote(**options)(RayWorker)
        return [worker.remote(self._spec) for _ in range(num)]

    def _wait_for_gpus(self, gpus: float) -> int:
        """Return how many workers fit now, once it is one; workers of idle models make room."""
        is_told = False
        while True:
            with self._changed:
                for name, pool in list(self._pools.items()):
                    if name and not pool.num_open:
                        del self._pools[name]
                        for worker in pool.workers:
                            self._ray.kill(worker)
            fits = int(self._ray.available_resources().get("GPU", 0) / gpus)
            if fits:
                return fits
            if not is_told:
                is_told = True
                logger.info("waiting for %g GPUs", gpus)
            time.sleep(_POLL_SECONDS)

    def _num_gpus(self, model: str, deployment: str | None) -> float:
        known = self._deployments
        return 0 if known is None else known.get(model, deployment).num_gpus

    def _nodes(self) -> list[dict[str, float]]:
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]


def _connect(address: str) -> Any:
    """Return the module `ray`, connected to the cluster at `address`."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # which Ray would send to its makers
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # whose lines fill the terminal
    if address != THIS_MACHINE and _has_token():
        # `ray start` asks for a token where there is one, and programs give it only if told so.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        ray = import_module("ray")
    except ImportError as error:
        raise MissingExtraError("--runner ray", "ray") from error
    started: dict[str, Any] = {}
    if address == THIS_MACHINE:
        started = {"include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES}
    elif address != "auto":
        _check_is_there(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **started)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # Ray also ends the process, which is not for it to decide
        reason = str(error).strip().partition("\n")[0]
        raise InvalidRequestError(
            f"no Ray cluster can be used at --ray-address {address} ({reason}): start one with "
            "`ray start --head`, with the same version of Ray and the same token, or leave the "
            "flag out for workers on this machine"
        ) from error
    return ray


def _has_token() -> bool:
    """Whether there is a token for clusters: https://docs.ray.io/en/latest/ray-security."""
    given = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    return bool(given) or (Path.home() / ".ray" / "auth_token").exists()


def _check_is_there(address: str) -> None:
    """Say at once that nobody listens: Ray itself tries for more than a minute."""
    host, colon, port = address.rpartition("//")[2].rpartition(":")
    if not colon or not port.isdecimal() or not host:
        raise InvalidRequestError(
            f"--ray-address {address!r} is none: use HOST:PORT, auto or {THIS_MACHINE}"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise InvalidRequestError(
            f"nobody listens at --ray-address {address} ({error}): is the cluster's head running?"
        ) from error
