"""The only place that sends completion requests: threads that all runs share."""

import threading
from collections.abc import Callable, Iterator

from benchmark.adapters.request_state import RequestState
from common.authentication import Authentication
from common.errors import BenchError
from common.request import Request, RequestResult, failed_result
from proxy.services.service import Service

# A request, and what to do with its result.
Task = tuple[RequestState, Callable[[RequestResult], None]]


class Executor:
    """Asks `service` with at most `num_threads` requests at a time.

    Threads take a task when they are free, so none is made before it can be asked and memory does
    not grow with the number that is to come. They are daemons: a process that is told to end does
    not wait for answers.
    """

    def __init__(self, service: Service, auth: Authentication, num_threads: int) -> None:
        self._service = service
        self._auth = auth
        self._num_threads = num_threads
        self._lock = threading.Lock()

    def start(self, tasks: Iterator[Task]) -> None:
        """Begin to work through `tasks`, which only one thread at a time takes from."""
        for number in range(self._num_threads):
            threading.Thread(
                target=self._work, args=(tasks,), name=f"executor-{number}", daemon=True
            ).start()

    def _work(self, tasks: Iterator[Task]) -> None:
        while True:
            with self._lock:
                task = next(tasks, None)
            if task is None:
                return
            state, on_done = task
            on_done(ask(self._service, self._auth, state.request))


def ask(service: Service, auth: Authentication, request: Request) -> RequestResult:
    """Return what came back; a failure is a result as well."""
    try:
        return service.make_request(auth, request)
    except BenchError as error:
        return failed_result(str(error), error.code)
    except Exception as error:  # a defect of ours must not leave the run waiting for ever
        return failed_result(f"{type(error).__name__}: {error}", BenchError.code)
