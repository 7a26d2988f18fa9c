"""Tests of Hugging Face tokenizers, with small ones that are trained here."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from common.errors import DataError, InvalidRequestError
from common.token_text import tokens_to_text
from proxy.tokenizers.huggingface_tokenizer import HuggingFaceTokenizer

tokenizers = pytest.importorskip("tokenizers", reason="needs the extra [tokenizers]")

CORPUS = ["Hello world, this is a test of tokenizers.", "the quick brown fox, naïve café"] * 20
END = "<|endoftext|>"
TEXTS = [
    "",
    "Hello world",
    "  two  spaces\n\n\ttabs \r\n ",
    "🎈 naïve café 日本語 \u200d \x00 \x7f ½",
    "▁a Ġb <0x41> ##c",
]
# Asks for a tokenizer of the hub, which is not to be reached.
OFFLINE = """
from pathlib import Path
from common.errors import UnreachableError
from proxy.tokenizers.huggingface_tokenizer import HuggingFaceTokenizer

try:
    HuggingFaceTokenizer("huggingface/gpt2", Path("/srv/here"), hub_name="gpt2").encode("a")
except UnreachableError as error:
    print(error)
"""


def byte_level() -> Any:
    """As GPT-2's."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=[END],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(CORPUS, trainer)
    return made


def byte_level_with_space() -> Any:
    """As that of models which put a space before every text."""
    made = byte_level()
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
    return made


def byte_fallback() -> Any:
    """As Llama's: SentencePiece with bytes for what is not in the vocabulary."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE(byte_fallback=True, unk_token="<unk>"))
    made.normalizer = tokenizers.normalizers.Sequence(
        [tokenizers.normalizers.Prepend("▁"), tokenizers.normalizers.Replace(" ", "▁")]
    )
    decoders = tokenizers.decoders
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    made.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)])
    special = ["<unk>", *[f"<0x{value:02X}>" for value in range(256)]]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, show_progress=False
    )
    made.train_from_iterator(CORPUS, trainer)
    return made


def unigram() -> Any:
    """As T5's: SentencePiece, normalised, with an end that is put after every text."""
    made = tokenizers.Tokenizer(tokenizers.models.Unigram())
    made.normalizer = tokenizers.normalizers.NFKC()
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    made.decoder = tokenizers.decoders.Metaspace()
    trainer = tokenizers.trainers.UnigramTrainer(
        vocab_size=90,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    made.train_from_iterator(CORPUS, trainer)
    made.post_processor = tokenizers.processors.TemplateProcessing(
        "$A </s>", special_tokens=[("</s>", 1)]
    )
    return made


def word_piece() -> Any:
    """As BERT's: lower case, and spaces are lost."""
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.decoder = tokenizers.decoders.WordPiece()
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=120, special_tokens=["[UNK]"], show_progress=False
    )
    made.train_from_iterator(CORPUS, trainer)
    return made


Make = Callable[[], Any]


def saved(folder: Path, make: Make, name: str = "test/tiny") -> HuggingFaceTokenizer:
    """A tokenizer whose file is in the installation in `folder`."""
    file = folder / "tokenizers" / name / "tokenizer.json"
    file.parent.mkdir(parents=True)
    make().save(str(file))
    return HuggingFaceTokenizer(name, folder)


@pytest.mark.parametrize("make", [byte_level, byte_level_with_space, byte_fallback])
@pytest.mark.parametrize("text", TEXTS)
def test_token_texts_are_the_text(tmp_path: Path, make: Make, text: str) -> None:
    tokenizer = saved(tmp_path, make)
    tokens = tokenizer.tokenize(text)
    assert "".join(tokens_to_text(tokens)) == text
    assert len(tokens) == len(tokenizer.encode(text))


@pytest.mark.parametrize("text", TEXTS)
def test_ids_come_back_as_text(tmp_path: Path, text: str) -> None:
    tokenizer = saved(tmp_path, byte_level)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_parts_of_characters_are_marked(tmp_path: Path) -> None:
    tokenizer = saved(tmp_path, byte_level)
    assert tokenizer.tokenize("日") == [r"bytes:\xe6", r"bytes:\x97", r"bytes:\xa5"]
    assert tokenizer.decode(tokenizer.encode("日")[:1]) == "\ufffd"


def test_spaces_are_spaces(tmp_path: Path) -> None:
    assert saved(tmp_path, byte_level).tokenize("the fox")[-1].lstrip(" ") in "the fox"
    assert "".join(saved(tmp_path / "2", byte_fallback).tokenize("Hello world")) == "Hello world"


def test_special_tokens_are_known_by_name(tmp_path: Path) -> None:
    tokenizer = saved(tmp_path, byte_level)
    assert tokenizer.encode(f"{END}a") == [0, *tokenizer.encode("a")]
    assert tokenizer.tokenize(f"{END}a") == [END, "a"]


def test_nothing_is_put_after_a_text(tmp_path: Path) -> None:
    tokenizer = saved(tmp_path, unigram)
    assert 1 not in tokenizer.encode("Hello world")
    assert tokenizer.decode([*tokenizer.encode("Hello"), 1]) == "Hello</s>"


@pytest.mark.parametrize("make", [unigram, word_piece])
def test_texts_that_are_normalised_keep_their_characters(tmp_path: Path, make: Make) -> None:
    split = saved(tmp_path, make).split("Hello  ½ 🎈 World ")
    assert split.text == "".join(str(token.value) for token in split.tokens)
    assert split.text.strip() == "Hello  ½ 🎈 World"
    for token in split.tokens:
        assert token.text_range is None or (
            split.text[token.text_range.start : token.text_range.end] == token.value
        )


@pytest.mark.parametrize("value", [-1, 320, 2**32, 10**30])
def test_ids_that_are_no_tokens_are_refused(tmp_path: Path, value: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"{value} is no token of test/tiny"):
        saved(tmp_path, byte_level).decode([5, value])


def test_a_files_own_truncation_is_left_out(tmp_path: Path) -> None:
    def truncating() -> Any:
        made = byte_level()
        made.enable_truncation(max_length=2)
        return made

    assert len(saved(tmp_path, truncating).encode("the quick brown fox")) > 2


@pytest.mark.parametrize("path", ["mine", "mine/tokenizer.json"])
def test_a_file_can_be_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "mine").mkdir()
    byte_level().save(str(tmp_path / "mine" / "tokenizer.json"))
    tokenizer = HuggingFaceTokenizer("test/tiny", tmp_path, path=path)
    assert tokenizer.encode("") == []
    with pytest.raises(DataError, match=r"test/tiny has no file at .*nowhere"):
        HuggingFaceTokenizer("test/tiny", tmp_path, path="nowhere").encode("")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"')
    with pytest.raises(DataError, match=r"tokenizer\.json is no tokenizer\.json that can be read"):
        HuggingFaceTokenizer("test/tiny", tmp_path, path=".").encode("")


def test_threads_share_one_tokenizer(tmp_path: Path) -> None:
    tokenizer = saved(tmp_path, byte_level)
    texts = [f"the quick brown fox {number}" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(tokenizer.encode, texts))
    assert found == [tokenizer.encode(text) for text in texts]


def test_without_the_hub_it_is_said_what_to_do(tmp_path: Path) -> None:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", OFFLINE], env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert "put its tokenizer.json into here/tokenizers/huggingface/gpt2" in ended.stdout
    assert "/srv" not in ended.stdout  # who asks over HTTP need not know
