"""llama.cpp's C interface, found in xllamacpp's wheel and called through ctypes.

The wheel is one shared library that exports all of llama.cpp. What is declared here is checked when
it is loaded, since the structures change from version to version.

Source: include/llama.h of llama.cpp (MIT licence), as in xllamacpp 2026.10.11549.
"""

import ctypes
import importlib.util
from ctypes import (
    POINTER,
    Structure,
    c_bool,
    c_char_p,
    c_float,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint32,
    c_void_p,
)
from pathlib import Path
from typing import Any

TESTED_VERSION = "2026.10.11549"
F16, BF16 = 1, 30  # of `enum ggml_type`
# A later version may return a longer structure.
_ROOM = [("room", c_uint8 * 256)]


class ModelParams(Structure):
    """How a model is loaded."""

    _fields_ = [
        *((name, c_void_p) for name in ("devices", "buffer_overrides")),
        *((name, c_int32) for name in ("n_gpu_layers", "split_mode", "load_mode", "lazy_mode")),
        ("main_gpu", c_int32),
        *((name, c_void_p) for name in ("tensor_split", "progress", "progress_data", "overrides")),
        *((name, c_bool) for name in ("vocab_only", "check_tensors", "use_extra_bufts")),
        *((name, c_bool) for name in ("no_host", "no_alloc", "load_mtp")),
        *_ROOM,
    ]


class ContextParams(Structure):
    """How a model is evaluated."""

    _fields_ = [
        *((name, c_uint32) for name in ("n_ctx", "n_batch", "n_ubatch", "n_seq_max")),
        *((name, c_uint32) for name in ("n_rs_seq", "n_outputs_max", "n_outputs_max_per_seq")),
        *((name, c_int32) for name in ("n_threads", "n_threads_batch", "ctx_type")),
        *((name, c_int32) for name in ("rope_scaling", "pooling", "attention", "flash_attention")),
        *((name, c_float) for name in ("rope_base", "rope_scale", "yarn_ext", "yarn_attn")),
        *((name, c_float) for name in ("yarn_fast", "yarn_slow")),
        ("yarn_orig_ctx", c_uint32),
        ("defrag_thold", c_float),
        *((name, c_void_p) for name in ("eval_callback", "eval_data")),
        *((name, c_int32) for name in ("type_k", "type_v")),
        ("moe_cache_size", c_size_t),
        *((name, c_void_p) for name in ("abort_callback", "abort_data")),
        *((name, c_bool) for name in ("embeddings", "offload_kqv", "no_perf", "op_offload")),
        *((name, c_bool) for name in ("swa_full", "kv_unified")),
        ("samplers", c_void_p),
        ("n_samplers", c_size_t),
        ("other", c_void_p),
        *_ROOM,
    ]


class Batch(Structure):
    """Tokens to evaluate, as pointers to arrays."""

    _fields_ = [
        ("n_tokens", c_int32),
        *((name, c_void_p) for name in ("token", "embd", "pos", "n_seq_id", "seq_id", "logits")),
    ]


class ChatMessage(Structure):
    """A turn of a chat."""

    _fields_ = [("role", c_char_p), ("content", c_char_p)]


# What the tested version returns. Another layout would shift these values.
_MODEL_DEFAULTS = {
    "n_gpu_layers": -1,
    "split_mode": 1,
    "load_mode": -1,
    "lazy_mode": 1,
    "main_gpu": 0,
    "vocab_only": False,
    "use_extra_bufts": True,
    "no_alloc": False,
}
_CONTEXT_DEFAULTS = {
    "n_ctx": 512,
    "n_batch": 2048,
    "n_ubatch": 512,
    "n_seq_max": 1,
    "rope_scaling": -1,
    "pooling": -1,
    "attention": -1,
    "flash_attention": -1,
    "yarn_ext": -1.0,
    "yarn_slow": -1.0,
    "defrag_thold": -1.0,
    "type_k": F16,
    "type_v": F16,
    "embeddings": False,
    "offload_kqv": True,
    "no_perf": True,
    "op_offload": True,
    "swa_full": True,
    "kv_unified": False,
}


class LlamaError(Exception):
    """llama.cpp could not do what was asked; its own words are in the log."""


def load_library() -> Any:
    """Return the library, its functions declared.

    Raises:
        LlamaError: It is missing, or of a version that is not known.
    """
    library = ctypes.CDLL(str(_find_library()))
    # Name → type of the result (None: nothing), types of the arguments.
    prototypes: dict[str, tuple[Any, list[Any]]] = {
        "llama_backend_init": (None, []),
        "llama_model_default_params": (ModelParams, []),
        "llama_context_default_params": (ContextParams, []),
        "llama_model_load_from_file": (c_void_p, [c_char_p, ModelParams]),
        "llama_init_from_model": (c_void_p, [c_void_p, ContextParams]),
        "llama_get_memory": (c_void_p, [c_void_p]),
        "llama_model_get_vocab": (c_void_p, [c_void_p]),
        "llama_model_chat_template": (c_char_p, [c_void_p, c_char_p]),
        "llama_vocab_n_tokens": (c_int32, [c_void_p]),
        "llama_vocab_is_eog": (c_bool, [c_void_p, c_int32]),
        "llama_vocab_is_control": (c_bool, [c_void_p, c_int32]),
        "llama_tokenize": (
            c_int32,
            [c_void_p, c_char_p, c_int32, POINTER(c_int32), c_int32, c_bool, c_bool],
        ),
        "llama_token_to_piece": (
            c_int32,
            [c_void_p, c_int32, c_char_p, c_int32, c_int32, c_bool],
        ),
        "llama_chat_apply_template": (
            c_int32,
            [c_char_p, POINTER(ChatMessage), c_size_t, c_bool, c_char_p, c_int32],
        ),
        "llama_decode": (c_int32, [c_void_p, Batch]),
        "llama_get_logits_ith": (POINTER(c_float), [c_void_p, c_int32]),
        "llama_memory_seq_rm": (c_bool, [c_void_p, c_int32, c_int32, c_int32]),
        "llama_memory_seq_cp": (None, [c_void_p, c_int32, c_int32, c_int32, c_int32]),
    }
    for name, (result, arguments) in prototypes.items():
        try:
            function = getattr(library, name)
        except AttributeError as error:
            raise LlamaError(
                f"this version of xllamacpp has no {name}: install it with "
                f"pip install xllamacpp=={TESTED_VERSION}"
            ) from error
        function.restype, function.argtypes = result, arguments
    return library


def default_model_params(library: Any) -> Any:
    """Return llama.cpp's defaults, to be changed.

    Raises:
        LlamaError: The structure is not the one declared here.
    """
    return _checked(library.llama_model_default_params(), _MODEL_DEFAULTS)


def default_context_params(library: Any) -> Any:
    """Return llama.cpp's defaults, to be changed.

    Raises:
        LlamaError: The structure is not the one declared here.
    """
    return _checked(library.llama_context_default_params(), _CONTEXT_DEFAULTS)


def _checked(params: Any, expected: dict[str, Any]) -> Any:
    for name, value in expected.items():
        if getattr(params, name) != value:
            raise LlamaError(
                "this version of xllamacpp has another interface than the one that is known: "
                f"install it with pip install xllamacpp=={TESTED_VERSION}"
            )
    return params


def _find_library() -> Path:
    # The module is a library like any other: importing it would only take time.
    spec = importlib.util.find_spec("xllamacpp")
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    for folder in folders:
        for path in sorted(Path(folder).glob("xllamacpp*.so")):
            return path
    raise LlamaError("xllamacpp is not installed, or holds no library")
