"""What a request is within a run, whatever its place."""

from benchmark.adapters.request_state import RequestState
from benchmark.scenarios.scenario import Instance

# Trial, id of the instance, its perturbation, index of the reference, mode, index of the window.
StateKey = tuple[int, str | None, str, int | None, str | None, int]


def state_key(state: RequestState) -> StateKey:
    """Return the key of a request: to find it again in a larger run."""
    return key_of(
        state.instance,
        state.train_trial_index,
        state.reference_index,
        state.request_mode,
        state.window_index,
    )


def key_of(
    instance: Instance,
    trial: int,
    reference_index: int | None,
    request_mode: str | None,
    window_index: int,
) -> StateKey:
    """Return the key of what was stored of a request."""
    version = repr(instance.perturbation)
    return trial, instance.id, version, reference_index, request_mode, window_index
