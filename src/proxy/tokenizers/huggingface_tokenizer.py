"""Tokenizers in the form of the Hugging Face hub, `tokenizer.json`, without torch or transformers.

Library: https://github.com/huggingface/tokenizers (Apache-2.0), of the extra `tokenizers`.
"""

from itertools import chain
from pathlib import Path
from typing import Any

from common.errors import (
    CredentialsError,
    DataError,
    InvalidRequestError,
    MissingExtraError,
    ModelNotFoundError,
    ProviderError,
    UnreachableError,
)
from common.token_text import text_bytes, token_text
from common.tokenization import TextRange, TokenizationToken
from proxy.tokenizers.loading import LoadedOnce, local_file
from proxy.tokenizers.tokenizer import SplitText, Tokenizer

_FILE_NAME = "tokenizer.json"
_SPACE_MARK = "▁"  # SentencePiece's space
_MAX_ID = 2**32 - 1


class HuggingFaceTokenizer(Tokenizer):
    """Splits text as the models do that come with this `tokenizer.json`.

    The file is `path`, else `tokenizers/NAME/tokenizer.json` of the base path, else the hub's,
    which the library keeps in its cache (HF_HOME); HF_TOKEN opens what is not public. The name of
    a special token in a text is that token.

    Args:
        name: Name of the tokenizer here.
        base_path: Folder of the installation.
        hub_name: Name on the hub (default: `name`).
        revision: Branch, tag or commit on the hub.
        path: File, or folder that holds `tokenizer.json`; relative to the base path.
    """

    def __init__(
        self,
        name: str,
        base_path: Path,
        hub_name: str | None = None,
        revision: str = "main",
        path: str | None = None,
    ) -> None:
        self._name, self._hub_name, self._revision = name, hub_name or name, revision
        self._base_path, self._path = base_path, path
        self._loaded = LoadedOnce(self._load)

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self._loaded.get().library.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: list[int]) -> str:
        library = self._loaded.get().library
        for value in set(ids):
            if not 0 <= value <= _MAX_ID or library.id_to_token(value) is None:
                raise InvalidRequestError(f"{value} is no token of {self._name}")
        text: str = library.decode(ids, skip_special_tokens=False)
        return text

    def tokenize(self, text: str) -> list[str]:
        return [str(token.value) for token in self.split(text).tokens]

    def split(self, text: str) -> SplitText:
        loaded = self._loaded.get()
        encoding = loaded.library.encode(text, add_special_tokens=False)
        pieces = [loaded.bytes_of(token) for token in encoding.tokens]
        joined = b"".join(pieces)
        if joined != text_bytes(text):
            if joined == b" " + text_bytes(text):
                # Put before the text so that its first word is one like all others.
                pieces[0] = pieces[0][1:]
            elif not loaded.is_byte_level:
                return _split_by_places(text, encoding.offsets)
            else:
                text = joined.decode(errors="replace")
        return SplitText(text, [TokenizationToken(token_text(piece)) for piece in pieces])

    def _load(self) -> "_Loaded":
        try:
            import tokenizers
        except ImportError as error:
            raise MissingExtraError(f"the tokenizer {self._name}", "tokenizers") from error
        file = local_file(self._base_path, self._name, _FILE_NAME, self._path)
        if file is None:
            file = _fetch(self._hub_name, self._revision, self._how_to_do_without())
        try:
            library = tokenizers.Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises no other class
            raise DataError(f"{file} is no {_FILE_NAME} that can be read: {error}") from error
        # A file may ask for them; what is asked of us decides.
        library.no_truncation()
        library.no_padding()
        return _Loaded(library)

    def _how_to_do_without(self) -> str:
        # The whole path is nothing for those who ask over HTTP.
        folder = Path(self._base_path.name, "tokenizers", self._name)
        return f"or put its {_FILE_NAME} into {folder}"


class _Loaded:
    """The library's tokenizer, and the bytes behind the names of its tokens."""

    def __init__(self, library: Any) -> None:
        self.library = library
        decoder = library.decoder.__getstate__() if library.decoder is not None else b""
        self.is_byte_level = b'"ByteLevel"' in decoder
        self._has_byte_tokens = b'"ByteFallback"' in decoder
        # Their names are texts, whatever the names of the others are.
        self._added: dict[str, bytes] = {
            token.content: token.content.encode()
            for token in library.get_added_tokens_decoder().values()
        }

    def bytes_of(self, token: str) -> bytes:
        """The bytes that a token stands for, as far as its name tells."""
        if (added := self._added.get(token)) is not None and not self._is_byte_token(token):
            return added
        if self.is_byte_level:
            parts = (_BYTES.get(character) or character.encode() for character in token)
            return b"".join(parts)
        if self._is_byte_token(token):
            return bytes([int(token[3:5], 16)])
        return token.replace(_SPACE_MARK, " ").encode()

    def _is_byte_token(self, token: str) -> bool:
        return self._has_byte_tokens and len(token) == 6 and token.startswith("<0x")


def _byte_characters() -> dict[str, bytes]:
    """The characters that byte-level vocabularies write bytes with, in GPT-2's order.

    Source: https://github.com/openai/gpt-2/blob/master/src/encoder.py (MIT)
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    printable += range(ord("®"), ord("ÿ") + 1)
    others = [value for value in range(256) if value not in printable]
    pairs = chain(zip(printable, printable, strict=True), enumerate(others, start=256))
    return {chr(character): bytes([value]) for character, value in pairs}


_BYTES = _byte_characters()


def _split_by_places(text: str, places: list[tuple[int, int]]) -> SplitText:
    """Cut `text` where the tokens end; what the tokenizer drops goes to the token after it."""
    tokens, start = [], 0
    for _, place_end in places:
        end = max(start, place_end)
        tokens.append(TokenizationToken(text[start:end], TextRange(start, end)))
        start = end
    return SplitText(text[:start], tokens)


def _fetch(hub_name: str, revision: str, otherwise: str) -> Path:
    """Return the file of the hub, from the library's cache where it is there."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(hub_name, _FILE_NAME, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    except ValueError as error:
        raise InvalidRequestError(f"{hub_name!r} can't be a name on the hub: {error}") from error
    try:
        return Path(hf_hub_download(hub_name, _FILE_NAME, revision=revision))
    except (OSError, ValueError, RuntimeError) as error:
        raise _hub_error(error, hub_name, otherwise) from error


def _hub_error(error: Exception, hub_name: str, otherwise: str) -> ProviderError:
    from huggingface_hub import errors

    if isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
        return UnreachableError(
            f"the tokenizer {hub_name} is not here, and huggingface.co can't be reached: "
            f"check the connection and HTTPS_PROXY, {otherwise}"
        )
    if isinstance(error, errors.GatedRepoError):
        return CredentialsError(
            f"the tokenizer {hub_name} is not public: set HF_TOKEN to a token of an account that "
            f"may read it, {otherwise}"
        )
    if isinstance(error, errors.RepositoryNotFoundError | errors.EntryNotFoundError):
        return ModelNotFoundError(f"huggingface.co has no {_FILE_NAME} of {hub_name}; {otherwise}")
    # An error of the system names the file in the library's cache.
    reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
    return UnreachableError(f"the tokenizer {hub_name} can't be fetched: {reason}; {otherwise}")
