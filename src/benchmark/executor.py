"""The only place that sends completion requests: a pool of threads shared by all runs."""

import queue
import threading
from collections.abc import Callable

from benchmark.adapters.request_state import RequestState
from common.authentication import Authentication
from common.errors import BenchError
from common.request import Request, RequestResult, failed_result
from proxy.services.service import Service

OnDone = Callable[[RequestResult], None]


class Executor:
    """Asks `service` with at most `num_threads` requests at a time.

    Few more requests than threads are ever held, however many are to come. The threads are daemons:
    a process that is told to end does not wait for answers.
    """

    def __init__(self, service: Service, auth: Authentication, num_threads: int) -> None:
        self._service = service
        self._auth = auth
        self._queue: queue.Queue[tuple[Request, OnDone]] = queue.Queue(maxsize=num_threads)
        for number in range(num_threads):
            threading.Thread(target=self._work, name=f"executor-{number}", daemon=True).start()

    def submit(self, state: RequestState, on_done: OnDone) -> None:
        """Queue a request; `on_done` gets its result in a thread of the pool. Blocks while full."""
        self._queue.put((state.request, on_done))

    def _work(self) -> None:
        while True:
            request, on_done = self._queue.get()
            on_done(self._ask(request))

    def _ask(self, request: Request) -> RequestResult:
        try:
            return self._service.make_request(self._auth, request)
        except BenchError as error:
            return failed_result(str(error), error.code)
        except Exception as error:  # a defect of ours must not leave the run waiting for ever
            return failed_result(f"{type(error).__name__}: {error}", BenchError.code)
