import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtopo import tokenizer
from lmtopo.errors import Damaged, InputError

TEXTS = ["a red ball and a blue boat", "the boat was red", "no ball was blue"] * 5


def test_training_twice_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tokenizer.train(TEXTS, 290).save_pretrained(tmp_path / name)
    assert tokenizer.file_hash(tmp_path / "one") == tokenizer.file_hash(tmp_path / "two")


@pytest.fixture(scope="module")
def trained() -> object:
    return tokenizer.train(TEXTS, 290)


@given(text=st.text(max_size=50))
def test_bytes_are_never_lost(trained: object, text: str) -> None:
    ids = tokenizer.encode(trained, [text])[0]  # type: ignore[arg-type]
    assert trained.decode(ids, skip_special_tokens=False) == text  # type: ignore[attr-defined]
    assert max(ids, default=0) < 290


def test_documents_are_encoded_without_special_tokens(tokenizer_folder: Path) -> None:
    loaded = tokenizer.load(tokenizer_folder)
    boundary = tokenizer.boundary(loaded)
    assert loaded.convert_ids_to_tokens(boundary) == tokenizer.END_OF_TEXT
    assert all(boundary not in ids for ids in tokenizer.encode(loaded, TEXTS))


def test_a_copied_tokenizer_reads_as_the_original(tmp_path: Path, tokenizer_folder: Path) -> None:
    tokenizer.tokenizer(folder=str(tmp_path / "copy"), source=str(tokenizer_folder))
    copy, original = tokenizer.load(tmp_path / "copy"), tokenizer.load(tokenizer_folder)
    assert tokenizer.encode(copy, TEXTS) == tokenizer.encode(original, TEXTS)


def test_a_tokenizer_that_changed_meanwhile_is_refused(
    tmp_path: Path, tokenizer_folder: Path
) -> None:
    with pytest.raises(InputError, match="has changed"):
        tokenizer.tokenizer(folder=str(tmp_path / "copy"), source=str(tokenizer_folder), sha256="0")
    assert not (tmp_path / "copy").exists()


def test_a_folder_without_one_is_an_error(tmp_path: Path) -> None:
    assert not tokenizer.has_tokenizer(tmp_path)
    with pytest.raises(InputError, match="cannot read a tokenizer"):
        tokenizer.load(tmp_path)


def test_what_is_saved_beside_a_tokenizer_does_not_make_it_another(
    tmp_path: Path, tokenizer_folder: Path
) -> None:
    from tokenizers import Tokenizer

    for name in ("padded", "other"):
        shutil.copytree(tokenizer_folder, tmp_path / name)
    saved = Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json"))
    saved.enable_truncation(8)
    saved.enable_padding(length=8)
    saved.save(str(tmp_path / "padded/tokenizer.json"))
    padded, other = tmp_path / "padded", tmp_path / "other"
    assert tokenizer.another([tokenizer_folder, padded, tokenizer_folder]) is None
    tokenizer.train(TEXTS, 280).save_pretrained(other)
    assert tokenizer.another([tokenizer_folder, padded, other, padded]) == other
    config = json.loads((padded / "tokenizer_config.json").read_text())
    config["eos_token"] = "a"
    (padded / "tokenizer_config.json").write_text(json.dumps(config))
    assert tokenizer.another([tokenizer_folder, padded]) == padded
    (other / "tokenizer.json").write_text('{"cut')
    with pytest.raises(InputError, match=r"other/tokenizer\.json' cannot be read as a tokenizer"):
        tokenizer.another([tokenizer_folder, other])


def test_merges_are_part_of_a_tokenizer(tmp_path: Path) -> None:
    for name, merges in (("one", "a b\n"), ("two", "a c\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vocab.json").write_text("{}")
        (tmp_path / name / "merges.txt").write_text(merges)
    assert tokenizer.file_hash(tmp_path / "one") != tokenizer.file_hash(tmp_path / "two")
    assert tokenizer.another([tmp_path / "one", tmp_path / "two"]) == tmp_path / "two"


def test_a_tokenizer_in_two_forms_is_one(tmp_path: Path, tokenizer_folder: Path) -> None:
    shutil.copytree(tokenizer_folder, tmp_path / "both")
    (tmp_path / "slow").mkdir()
    for name, text in (("vocab.json", "{}"), ("merges.txt", "a b\n")):
        (tmp_path / "both" / name).write_text(text)
        (tmp_path / "slow" / name).write_text(text)
    shutil.copy(tokenizer_folder / "tokenizer_config.json", tmp_path / "slow")
    folders = [tmp_path / "both", tmp_path / "slow"]
    assert tokenizer.another(folders) is None
    (tmp_path / "slow/merges.txt").write_text("a c\n")
    assert tokenizer.another(folders) == tmp_path / "slow"


@pytest.mark.parametrize("legacy", [False, True])
def test_a_copy_splits_beside_special_tokens_as_the_original(tmp_path: Path, legacy: bool) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    scheme = "always" if legacy else "first"
    bpe.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    bpe.decoder = decoders.Metaspace()
    special = ["<unk>", "<s>", "</s>"]
    bpe.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=90, special_tokens=special, show_progress=False)
    )
    source = tmp_path / "source"
    source.mkdir()
    bpe.save(str(source / "tokenizer.json"))
    config = {"tokenizer_class": "LlamaTokenizer", "legacy": legacy}
    names = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    (source / "tokenizer_config.json").write_text(json.dumps(config | names))
    tokenizer.tokenizer(folder=str(tmp_path / "copy"), source=str(source))
    texts = ["<s>red</s> ball", "</s>a boat", " red<s> red"]
    copied, original = (tokenizer.load(place) for place in (tmp_path / "copy", source))
    assert tokenizer.encode(copied, texts) == tokenizer.encode(original, texts)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "Unheard"}}')
    with pytest.raises(InputError, match="cannot read a tokenizer from"):
        tokenizer.load(tmp_path)


@pytest.mark.parametrize("kept", [0, 100])
def test_a_tokenizer_of_a_study_that_is_cut_is_to_be_deleted(
    tmp_path: Path, tokenizer_folder: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("results/mine/tokenizers/bpe")
    shutil.copytree(tokenizer_folder, folder)
    tokenizer.load(folder)
    file = folder / "tokenizer.json"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(Damaged, match=r"tokenizers/bpe' is damaged \(.*\): delete it"):
        tokenizer.load(folder)
    with pytest.raises(InputError, match="cannot read a tokenizer from") as raised:
        tokenizer.load(folder.resolve())  # what lies elsewhere is the user's
    assert not isinstance(raised.value, Damaged)


@pytest.mark.skipif(find_spec("sentencepiece") is not None, reason="sentencepiece is installed")
def test_a_package_that_a_tokenizer_needs_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"pieces")
    with pytest.raises(InputError, match="install sentencepiece and protobuf"):
        tokenizer.load(tmp_path)
