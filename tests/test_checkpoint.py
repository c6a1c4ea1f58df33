"""A revision of a model as a folder, with what is needed of it and no more."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
import standin
from standin import Fault

from lmtopo import slots
from lmtopo.errors import InputError
from lmtopo.files import read_json

PYTHIA, OLMO, PICKLED = "EleutherAI/pythia-70m", "allenai/OLMo-1B-hf", "me/pickled"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "LONGEST_WAIT", 0.05)


def tokenizer(repo: str = PYTHIA, folder: str = "tokenizer") -> None:
    from lmtopo.tokenizer import tokenizer

    tokenizer(folder=folder, repo=repo, revisions=["main"], patience=5.0)


def checkpoint(repo: str, revision: str, folder: str = "weights", **given: Any) -> Path:
    from lmtopo.checkpoint import checkpoint

    settings = {"tokenizer": "tokenizer", "study": "study", "keep": 1, "patience": 5.0}
    settings |= {"demands": {}, **given}
    checkpoint(repo=repo, revision=revision, folder=folder, **settings)
    return Path(folder)


def fetched(hub: Any) -> set[str]:
    return {line.rsplit("/", 1)[1] for line in hub.requests if "/resolve/" in line}


@pytest.mark.parametrize(
    ("repo", "revision"),
    [(PYTHIA, "step512"), (OLMO, "step1000-tokens4B"), (PICKLED, "step5")],
)
def test_the_configuration_and_one_format_are_fetched_and_load(
    hub: Any, repo: str, revision: str
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from lmtopo.formats.checkpoints import load

    tokenizer(repo)
    hub.requests.clear()
    folder = checkpoint(repo, revision)
    theirs = hub.root / "models" / repo / revision
    weights = {
        PYTHIA: {"model.safetensors"},
        OLMO: {path.name for path in theirs.glob("model*.safetensors*")},
        PICKLED: {"pytorch_model.bin"},
    }[repo]
    assert fetched(hub) == {"config.json", *weights}
    assert {path.name for path in folder.iterdir()} == {"config.json", "hub.json", *weights}
    for name in ("config.json", *weights):
        assert (folder / name).read_bytes() == (theirs / name).read_bytes()
    given = {} if repo != PICKLED else {"use_safetensors": False}
    expected = AutoModelForCausalLM.from_pretrained(theirs, dtype=torch.float32, **given)
    for name, value in load(folder, dtype="float32").state_dict().items():
        assert torch.equal(value, expected.state_dict()[name])


def test_each_file_is_fetched_once(hub: Any) -> None:
    tokenizer(OLMO)
    hub.requests.clear()
    checkpoint(OLMO, "step1000-tokens4B")
    asked = [line for line in hub.requests if "/resolve/" in line]
    assert len(asked) == len(set(asked))


def test_a_folder_says_where_it_comes_from(hub: Any) -> None:
    tokenizer()
    folder = checkpoint(PYTHIA, "step2")
    told = read_json(folder / "hub.json")
    theirs = hub.root / "models" / PYTHIA / "step2"
    assert (told["repo"], told["revision"]) == (PYTHIA, "step2")
    assert told["commit"] == standin.commit(theirs)
    sha256, _ = standin.hashes_of(theirs / "model.safetensors")
    assert told["files"]["model.safetensors"] == sha256


def test_a_checkpoint_takes_a_slot_until_it_is_deleted(hub: Any) -> None:
    tokenizer()
    first = checkpoint(PYTHIA, "step2", "first")
    assert slots.folders("study") == [first]
    thread = threading.Thread(target=checkpoint, args=(PYTHIA, "step512", "second"))
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()
    shutil.rmtree(first)
    thread.join(5)
    assert slots.folders("study") == [Path("second")]


def test_a_download_that_is_given_up_is_completed_by_the_next(hub: Any) -> None:
    tokenizer(OLMO)
    hub.requests.clear()
    hub.faults.append(Fault("GET .*00003-of", 403))
    with pytest.raises(InputError, match="refuses 'model-00003-of"):
        checkpoint(OLMO, "step1000-tokens4B")
    assert not Path("weights").exists()
    hub.faults.clear()
    hub.requests.clear()
    checkpoint(OLMO, "step1000-tokens4B")
    assert not {name for name in fetched(hub) if "00001-of" in name or "00002-of" in name}
    assert not [path for path in Path(".lmtopo").rglob("*") if path.suffix == ".safetensors"]


@pytest.mark.parametrize("keep", [0, 1])
def test_a_checkpoint_in_the_cache_is_linked_and_takes_no_slot(hub: Any, keep: int) -> None:
    from huggingface_hub import constants, hf_hub_download

    from lmtopo.formats.checkpoints import load

    tokenizer()
    for name in ("config.json", "model.safetensors"):
        hf_hub_download(PYTHIA, name, revision="step2", cache_dir=constants.HF_HUB_CACHE)
    hub.requests.clear()
    folder = checkpoint(PYTHIA, "step2", keep=keep)
    assert not fetched(hub)
    assert not slots.folders("study")
    assert not list(Path(".lmtopo").glob("**/index/*"))
    assert (folder / "config.json").is_symlink()
    assert (folder / "model.safetensors").is_symlink()
    assert load(folder, dtype="float32").config.model_type == "gpt_neox"


def test_offline_the_cache_is_enough(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants, snapshot_download

    tokenizer(OLMO)
    revision = "step1000-tokens4B"
    commit = standin.commit(hub.root / "models" / OLMO / revision)
    cache = constants.HF_HUB_CACHE
    snapshot_download(OLMO, revision=revision, cache_dir=cache, allow_patterns=["*.json", "*.saf*"])
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    folder = checkpoint(OLMO, revision, keep=0)
    assert read_json(folder / "hub.json")["commit"] == commit
    assert not hub.requests
    with pytest.raises(InputError, match="HF_HUB_OFFLINE"):
        checkpoint(OLMO, "step2000-tokens8B", "other")


def test_a_checkpoint_partly_in_the_cache_is_completed(hub: Any) -> None:
    from huggingface_hub import constants, hf_hub_download

    tokenizer()
    hf_hub_download(PYTHIA, "model.safetensors", revision="step2", cache_dir=constants.HF_HUB_CACHE)
    hub.requests.clear()
    folder = checkpoint(PYTHIA, "step2")
    assert fetched(hub) == {"config.json"}
    assert (folder / "model.safetensors").is_symlink()
    assert (folder / "model.safetensors").exists()


def test_bytes_that_stay_wrong_make_no_folder(hub: Any) -> None:
    tokenizer()
    hub.faults.append(Fault("GET .*/resolve/.*model.safetensors", "flip"))
    with pytest.raises(InputError, match="with SHA-256"):
        checkpoint(PYTHIA, "step2")
    assert not Path("weights").exists()


@pytest.fixture
def own(tmp_path: Path, hub: Any, hub_root: Path) -> Path:
    """A copy of a repository's revision, to be changed."""
    root = tmp_path / "own"
    for revision in ("main", "step2"):
        shutil.copytree(hub_root / "models" / PYTHIA / revision, root / "models/me/own" / revision)
    hub.root = root
    return root / "models/me/own/step2"


def test_a_revision_with_another_tokenizer_is_refused(hub: Any, own: Path) -> None:
    from lmtopo.tokenizer import train

    tokenizer("me/own")
    train(["other words altogether, and others again"] * 9, 280).save_pretrained(own)
    with pytest.raises(InputError, match=r"has another tokenizer .* models.NAME.tokenizer"):
        checkpoint("me/own", "step2")
    assert "model.safetensors" not in fetched(hub)
    assert not Path("weights").exists()


def write_slow(folder: Path, texts: list[str], vocabulary: int) -> None:
    """In place of a folder's tokenizer one as vocabulary and merges."""
    from lmtopo.tokenizer import END_OF_TEXT, train

    for path in folder.glob("*token*"):
        path.unlink()
    made: Any = train(texts, vocabulary)
    made.backend_tokenizer.model.save(str(folder))
    ends = {"eos_token": END_OF_TEXT, "bos_token": END_OF_TEXT}
    told = {"tokenizer_class": "GPT2Tokenizer", **ends}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))


OTHER = ["other words altogether, and others again"] * 9


def test_another_tokenizer_in_another_format_is_refused(hub: Any, own: Path) -> None:
    tokenizer("me/own")
    write_slow(own, OTHER, 280)
    with pytest.raises(InputError, match="has another tokenizer"):
        checkpoint("me/own", "step2")
    assert "model.safetensors" not in fetched(hub)


def test_one_tokenizer_may_come_in_two_formats(hub: Any, own: Path) -> None:
    from lmtopo.tokenizer import train

    made: Any = train(OTHER, 280)
    made.bos_token = made.eos_token
    made.save_pretrained(own.parent / "main")
    write_slow(own, OTHER, 280)
    tokenizer("me/own")
    checkpoint("me/own", "step2")


def test_the_same_vocabulary_with_other_merges_is_another_tokenizer(hub: Any, own: Path) -> None:
    for folder in (own, own.parent / "main"):
        write_slow(folder, OTHER, 280)
    tokenizer("me/own")
    merges = own / "merges.txt"
    version, *lines = merges.read_text().splitlines()
    merges.write_text("\n".join([version, *reversed(lines)]) + "\n")
    with pytest.raises(InputError, match="has another tokenizer"):
        checkpoint("me/own", "step2")


def test_another_end_of_text_is_another_tokenizer(hub: Any, own: Path) -> None:
    tokenizer("me/own")
    config = own / "tokenizer_config.json"
    config.write_text(json.dumps({**read_json(config), "eos_token": "a"}))
    with pytest.raises(InputError, match="has another tokenizer"):
        checkpoint("me/own", "step2")


def test_a_tokenizer_that_says_the_same_in_other_bytes_is_the_same(hub: Any, own: Path) -> None:
    tokenizer("me/own")
    file = own / "tokenizer.json"
    file.write_text(file.read_text() + "\n")
    checkpoint("me/own", "step2")


def test_a_revision_without_a_tokenizer_is_taken(hub: Any, own: Path) -> None:
    tokenizer("me/own")
    (own / "tokenizer.json").unlink()
    checkpoint("me/own", "step2")


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        (["config.json"], "has no config.json"),
        (["model.safetensors", "pytorch_model.bin"], "has no weights"),
    ],
)
def test_what_is_no_model_is_told(hub: Any, own: Path, lacking: list[str], message: str) -> None:
    tokenizer("me/own")
    for name in lacking:
        (own / name).unlink()
    with pytest.raises(InputError, match=message):
        checkpoint("me/own", "step2")


@pytest.mark.parametrize(
    ("change", "demands", "message"),
    [
        ({"model_type": "hf_olmo"}, {}, "is of type 'hf_olmo', no causal language model that"),
        ({"model_type": "t5"}, {}, "is of type 't5', no causal language model that"),
        ({"text_config": {"a": 1}}, {}, "cannot be observed: .* a model of more than text"),
        ({}, {"positions": 65}, "has 64 positions, but quality.context asks for 65: lower it"),
        ({}, {"blocks": 3}, "has 2 blocks, but clouds.layers asks for 3"),
        ({}, {"width": 33}, "has hidden states of 32 dimensions, but clouds.pca asks for 33"),
    ],
)
def test_a_model_that_cannot_be_observed_is_told_before_its_weights_are_fetched(
    hub: Any, own: Path, change: dict[str, Any], demands: dict[str, int], message: str
) -> None:
    tokenizer("me/own")
    config = own / "config.json"
    config.write_text(json.dumps({**read_json(config), **change}))
    with pytest.raises(InputError, match=message):
        checkpoint("me/own", "step2", demands=demands)
    assert "model.safetensors" not in fetched(hub)
    assert not list(Path(".lmtopo").rglob("config.json"))


def test_an_index_that_names_a_missing_shard_is_told(hub: Any, own: Path) -> None:
    tokenizer("me/own")
    (own / "model.safetensors").unlink()
    index = '{"weight_map": {"a": "model-00001-of-00002.safetensors"}}'
    (own / "model.safetensors.index.json").write_text(index)
    with pytest.raises(InputError, match=r"names 'model-00001-of-00002.safetensors', not there"):
        checkpoint("me/own", "step2")


@pytest.mark.parametrize("index", ["[]", "{", '{"weight_map": 3}', '{"weight_map": {"a": {}}}'])
def test_an_index_that_is_none_is_told(hub: Any, own: Path, index: str) -> None:
    tokenizer("me/own")
    (own / "model.safetensors").unlink()
    (own / "model.safetensors.index.json").write_text(index)
    with pytest.raises(InputError, match=r"its model.safetensors.index.json is no index of shards"):
        checkpoint("me/own", "step2")


def test_a_tokenizer_is_looked_for_in_several_revisions(hub: Any, own: Path) -> None:
    from lmtopo import tokenizer as tokenizers

    for path in (own.parent / "main").glob("tokenizer*"):
        path.unlink()
    tokenizers.tokenizer(
        folder="tokenizer", repo="me/own", revisions=["main", "step2"], patience=5.0
    )
    assert read_json("tokenizer/hub.json")["revision"] == "step2"
    with pytest.raises(InputError, match=r"no tokenizer in revision 'main': put .*_path$"):
        tokenizers.tokenizer(folder="other", repo="me/own", revisions=["main"], patience=5.0)


def test_a_hub_that_does_not_answer_is_waited_for_once(hub: Any) -> None:
    from lmtopo import tokenizer as tokenizers

    hub.faults.append(Fault("GET .*/revision/", 503))
    with pytest.raises(InputError, match=f"^'{PYTHIA}': no success in 0 s"):
        tokenizers.tokenizer(
            folder="tokenizer", repo=PYTHIA, revisions=["main", "step2"], patience=0.2
        )
    assert not [line for line in hub.requests if line.endswith("step2")]


def test_two_models_may_be_of_one_revision_in_shards(hub: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    tokenizer(OLMO)
    hub.delay = 0.02
    for _ in range(3):
        with ThreadPoolExecutor(2) as pool:
            found = [
                pool.submit(checkpoint, OLMO, "step1000-tokens4B", folder, keep=2)
                for folder in ("a/1", "b/1")
            ]
        for one in found:
            assert len(list(one.result().glob("*.safetensors"))) > 1
            shutil.rmtree(one.result())  # which frees its slot
