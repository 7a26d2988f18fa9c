"""The steps of llama.cpp that the embedded model is made of.

xllamacpp's own classes answer whole requests only; single steps give what those can't: the
log-probabilities of a prompt, and numbers that do not depend on what else runs.

They do not because every kernel that is used computes a row alone: with keys in 16-bit floats and
values in bfloat16, flash attention has no variant that splits or tiles a row by the batch's size.
Each slot is a sequence with memory of its own, filled in order, so sums run in order, too.
"""

import ctypes
from collections.abc import Sequence
from ctypes import c_int32
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxy.local_engine.llama_library import (
    BF16,
    F16,
    Batch,
    ChatMessage,
    LlamaError,
    default_context_params,
    default_model_params,
    load_library,
)

_FLASH_ATTENTION_ON = 1


class Llama:
    """A model in memory and its slots: sequences of tokens that are evaluated and remembered.

    `tokenize` and `piece` may be called from any thread, everything else from one at a time.

    Args:
        model_path: A GGUF file.
        num_slots: How many sequences are remembered.
        window: How many tokens a sequence may have.
        batch_size: How many tokens are evaluated at once, at most.

    Raises:
        LlamaError: The library is of another version than this was written for, or the file is
            damaged.
    """

    def __init__(
        self,
        model_path: Path,
        *,
        num_slots: int,
        window: int,
        batch_size: int,
        num_threads: int,
    ) -> None:
        self._lib = load_library()
        self._lib.llama_backend_init()
        model = default_model_params(self._lib)
        context = default_context_params(self._lib)
        # Repacked weights have other kernels for one row than for many.
        model.use_extra_bufts = False
        self._model = self._lib.llama_model_load_from_file(bytes(model_path), model)
        if not self._model:
            raise LlamaError(f"{model_path} can't be loaded: it is damaged, or not a GGUF model")
        context.n_ctx, context.n_seq_max = num_slots * window, num_slots
        context.n_batch = context.n_ubatch = batch_size
        context.n_threads = context.n_threads_batch = num_threads
        context.type_k, context.type_v = F16, BF16
        context.flash_attention = _FLASH_ATTENTION_ON
        self._context = self._lib.llama_init_from_model(self._model, context)
        if not self._context:
            raise LlamaError(f"there is not enough memory for {num_slots} x {window} tokens")
        self._memory = self._lib.llama_get_memory(self._context)
        self._vocab = self._lib.llama_model_get_vocab(self._model)
        self.num_tokens: int = self._lib.llama_vocab_n_tokens(self._vocab)
        self.batch_size = batch_size
        self._pieces = [self._read_piece(token) for token in range(self.num_tokens)]
        self._is_end = [
            bool(self._lib.llama_vocab_is_eog(self._vocab, token))
            for token in range(self.num_tokens)
        ]
        self.control_texts = [
            self._pieces[token]
            for token in range(self.num_tokens)
            if self._lib.llama_vocab_is_control(self._vocab, token)
        ]
        self._prepare_batch(num_slots)

    def _prepare_batch(self, num_slots: int) -> None:
        self._tokens, self._positions, counts = (
            np.ones(self.batch_size, np.int32) for _ in range(3)
        )
        self._wanted = np.zeros(self.batch_size, np.int8)
        # The structure wants a pointer to each token's slot.
        self._slot_numbers = np.arange(num_slots, dtype=np.int32)
        self._slot_pointers = np.zeros(self.batch_size, np.uintp)
        self._counts = counts
        self._batch = Batch(
            token=self._tokens.ctypes.data,
            pos=self._positions.ctypes.data,
            n_seq_id=counts.ctypes.data,
            seq_id=self._slot_pointers.ctypes.data,
            logits=self._wanted.ctypes.data,
        )

    def tokenize(self, text: bytes, *, with_special: bool) -> list[int]:
        """Return the ids of `text`; names of special tokens are these, if `with_special`."""
        room = len(text) + 1
        ids = (c_int32 * room)()
        found = self._lib.llama_tokenize(
            self._vocab, text, len(text), ids, room, False, with_special
        )
        if found < 0:
            raise LlamaError("a text could not be split into tokens")
        return ids[:found]

    def piece(self, token: int) -> bytes:
        """Return the bytes that `token` stands for; of a special token, its name."""
        return self._pieces[token]

    def is_end(self, token: int) -> bool:
        """Whether `token` ends a text."""
        return self._is_end[token]

    def _read_piece(self, token: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._lib.llama_token_to_piece(self._vocab, token, buffer, size, 0, True)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def render_chat(self, messages: Sequence[tuple[str, str]]) -> str:
        """Return the text of a chat, up to where the assistant's answer begins.

        Args:
            messages: Roles and contents.
        """
        turns = (ChatMessage * len(messages))()
        for turn, (role, content) in zip(turns, messages, strict=True):
            turn.role, turn.content = role.encode(), content.encode()
        template = self._lib.llama_model_chat_template(self._model, None)
        arguments = (template, turns, len(messages), True)
        size = self._lib.llama_chat_apply_template(*arguments, None, 0)
        if size < 0:
            raise LlamaError("the model has no chat template that llama.cpp knows")
        buffer = ctypes.create_string_buffer(size + 1)
        self._lib.llama_chat_apply_template(*arguments, buffer, size + 1)
        return buffer.raw[:size].decode()

    def evaluate(self, entries: Sequence[tuple[int, int, int, bool]]) -> list[NDArray[np.float32]]:
        """Evaluate tokens after those that their slots remember.

        Args:
            entries: Slot, position, token, and whether the next token's logits are wanted.

        Returns:
            The wanted logits, each of shape (num_tokens,), valid until the next call.

        Raises:
            LlamaError: It failed; the slots' memory is not known any more.
        """
        count = len(entries)
        slots, positions, tokens, wanted = zip(*entries, strict=True)
        self._tokens[:count] = tokens
        self._positions[:count] = positions
        self._wanted[:count] = wanted
        self._slot_pointers[:count] = (
            self._slot_numbers.ctypes.data + self._slot_numbers.itemsize * np.array(slots)
        )
        self._batch.n_tokens = count
        status = self._lib.llama_decode(self._context, self._batch)
        if status:
            raise LlamaError(f"llama_decode returned {status}")
        return [self._logits(index) for index in range(count) if wanted[index]]

    def _logits(self, index: int) -> NDArray[np.float32]:
        pointer = self._lib.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(pointer, (self.num_tokens,))

    def forget(self, slot: int, start: int) -> None:
        """Forget the tokens of `slot` from position `start` on."""
        if not self._lib.llama_memory_seq_rm(self._memory, slot, start, -1):
            raise LlamaError("a slot's end could not be forgotten")

    def copy(self, source: int, target: int) -> None:
        """Let slot `target` remember what slot `source` does, in place of its own tokens."""
        self._lib.llama_memory_seq_cp(self._memory, source, target, -1, -1)
