import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.metrics import accuracy_score, f1_score
from threadpoolctl import threadpool_limits

from lmtopo.dataset import dataset
from lmtopo.downstream import METRICS, classifier, downstream, task, zero_shot
from lmtopo.downstream.reading import log_likelihoods, sentence_states
from lmtopo.errors import InputError
from lmtopo.tables import DOWNSTREAM, KEYS
from lmtopo.tokenizer import load

RUN = {
    "study": "test",
    "model": "m",
    "budget": "released",
    "checkpoint": "step7",
    "step": 7,
    "tokens": 700.0,
}
SETTINGS: dict[str, Any] = {
    "run": RUN,
    "name": "pairs",
    "split": "validation",
    "rows": 1000,
    "layers": "all",
    "poolings": ["last", "mean"],
    "skip_positions": 1,
    "prefix": "eos",
    "context": 64,
    "dtype": "float32",
    "batch_size": 8,
    "threads": 1,
    "device": "cpu",
    "seed": 1,
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small products are slower on many threads than on one."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def pairs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated paraphrases: 60 pairs to learn from, 30 to validate."""
    folder = tmp_path_factory.mktemp("pairs") / "pairs"
    rows = {"train": 60, "validation": 30, "test": 0}
    origin = {"source": "generated", "kind": "paraphrases", "seed": 0, "rows": rows}
    dataset(origin=origin, name="pairs", study="test", folder=str(folder))
    return folder


def saved(folder: Path, columns: dict[str, list[Any]]) -> Path:
    """A dataset whose train and validation splits are these columns."""
    path = folder / "mine.parquet"
    folder.mkdir(exist_ok=True)
    pd.DataFrame(columns).to_parquet(path)
    origin = {"source": "local", "format": "parquet"}
    origin["splits"] = {"train": str(path), "validation": str(path)}  # type: ignore[assignment]
    dataset(origin=origin, name="mine", study="test", folder=str(folder / "mine"))
    return folder / "mine"


def table(tmp_path: Path, checkpoint: Path, dataset: Path, **changes: Any) -> pd.DataFrame:
    downstream(
        checkpoint=str(checkpoint),
        tokenizer=str(checkpoint),
        dataset=str(dataset),
        downstream=str(tmp_path / "downstream.parquet"),
        **SETTINGS | changes,
    )
    return pd.read_parquet(tmp_path / "downstream.parquet")


# facts about scores and classifiers


def test_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, guessed = rng.integers(0, 2, (2, 200))
    assert classifier.accuracy(labels, guessed) == accuracy_score(labels, guessed)
    assert classifier.f1(labels, guessed) == pytest.approx(f1_score(labels, guessed))
    nothing = np.zeros(5, dtype=np.int64)
    assert classifier.f1(nothing, nothing) == 0


def test_an_interval_covers_the_truth_as_often_as_it_claims() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        labels = np.ones(300, dtype=np.int64)
        guessed = (rng.random(300) < 0.7).astype(np.int64)
        value, low, high = classifier.interval("accuracy", labels, guessed, rng)
        assert low <= value <= high
        covered += low <= 0.7 <= high
    assert 88 <= covered <= 99


def test_one_pair_has_no_interval() -> None:
    one = np.array([1])
    value, low, high = classifier.interval("accuracy", one, one, np.random.default_rng(0))
    assert value == 1
    assert np.isnan([low, high]).all()


def test_the_same_seed_gives_the_same_interval() -> None:
    labels, guessed = np.random.default_rng(0).integers(0, 2, (2, 100))
    one, two = (
        classifier.interval("f1", labels, guessed, np.random.default_rng(5)) for _ in range(2)
    )
    assert one == two


def test_features_do_not_know_which_sentence_came_first() -> None:
    u, v = np.random.default_rng(0).standard_normal((2, 4, 3))
    np.testing.assert_array_equal(classifier.features(u, v), classifier.features(v, u))
    counts = [sparse.csr_array(np.round(np.abs(one))) for one in (u, v)]
    dense = classifier.features(*(one.toarray() for one in counts))
    np.testing.assert_array_equal(classifier.features(*counts).toarray(), dense)


def test_a_direction_that_decides_is_found_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.standard_normal((2, 400, 20))
    labels, truth = (train[:, 3] > 0).astype(np.int64), (test[:, 3] > 0).astype(np.int64)
    # the scale of a coordinate does not matter
    scale = 10.0 ** rng.uniform(-3, 3, 20)
    guessed, _ = classifier.learn(train * scale, labels, test * scale)
    assert (guessed == truth).mean() > 0.93
    noise, strength = classifier.learn(train, rng.integers(0, 2, 400), test)
    assert 0.4 < (noise == truth).mean() < 0.6
    assert strength < 10


def test_of_strengths_that_are_right_as_often_the_strongest_is_taken() -> None:
    close = np.nextafter(0.675, 1)
    assert classifier.first_best({"mean_test_score": [0.5, 0.675, close, 0.6]}) == 1
    assert classifier.first_best({"mean_test_score": np.array([0.5, 0.6, 0.7])}) == 2


def test_labels_may_be_words_where_another_split_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for split, labels in (("train", "01"), ("validation", "10"), ("test", "??")):
        rows = [f"One {number}.,Two {number}.,{label}" for number, label in enumerate(labels)]
        Path(f"{split}.csv").write_text("\n".join(["sentence1,sentence2,label", *rows]) + "\n")
    splits = {split: f"{split}.csv" for split in ("train", "validation", "test")}
    origin = {"source": "local", "format": "csv", "splits": splits}
    dataset(folder="d", name="d", study="s", origin=origin)
    assert task.read("d", "train", rows=10).labels.tolist() == [0, 1]
    assert task.read("d", "validation", rows=1).labels.tolist() == [1]
    with pytest.raises(InputError, match=r"split 'test' has the label '\?'"):
        task.read("d", "test", rows=10)


def test_sparse_and_dense_features_give_the_same_classifier() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.poisson(0.3, (2, 200, 30)).astype(np.float64)
    labels = (train[:, 0] + rng.random(200) > 1).astype(np.int64)
    dense = classifier.learn(train, labels, test)
    thin = classifier.learn(sparse.csr_array(train), labels, sparse.csr_array(test))
    np.testing.assert_array_equal(dense[0], thin[0])
    assert dense[1] == thin[1]


# what the model is read


@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "llama"])
def test_states_are_those_of_each_sentence_read_alone(
    architecture: str, make_model: Callable[..., Any]
) -> None:
    from lmtopo.decoder import Decoder

    model = make_model(architecture)
    sentences = [[5, 6, 7], [8, 9], [10], [11, 12, 13, 14, 15, 16], [9, 8]]
    expected = []
    for ids in sentences:
        with torch.inference_mode():
            states = model(torch.tensor([[0, *ids[:4]]]), output_hidden_states=True).hidden_states
        expected.append([layer[0].numpy() for layer in states])
    with torch.inference_mode():
        found = sentence_states(
            Decoder(model),
            sentences,
            boundary=0,
            context=5,
            skip_positions=2,
            layers=["embedding", "block_1", "final_norm"],
            poolings=["last", "mean"],
            batch_size=2,
        )
    for number, layers in enumerate(expected):
        for row, states in zip((0, 1, 2), (layers[0], layers[1], layers[-1]), strict=True):
            np.testing.assert_allclose(found["last"][row, number], states[-1], atol=1e-5)
            # the first position of a text and the boundary are left out, as far as others remain
            mean = states[min(2, len(states) - 1) :].mean(0)
            np.testing.assert_allclose(found["mean"][row, number], mean, atol=1e-5)


def test_log_likelihoods_are_those_of_a_plain_loop(make_model: Callable[..., Any]) -> None:
    from lmtopo.decoder import Decoder

    model = make_model("gpt_neox")
    requests = [([1, 2, 3], [4]), ([1, 2, 3], [5]), ([9], [4, 5]), (list(range(20, 80)), [7, 8])]
    expected = []
    for context, continuation in requests:
        ids = torch.tensor([[*context, *continuation]])[:, -51:]
        with torch.inference_mode():
            each = model(ids[:, :-1]).logits[0].log_softmax(-1)
        each = each.gather(1, ids[0, 1:, None])[-len(continuation) :]
        expected.append(each.sum().item())
    with torch.inference_mode():
        found = log_likelihoods(Decoder(model), requests, positions=50, batch_size=2)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_answers_are_asked_as_the_harness_asks(tokenizer_folder: Path) -> None:
    words = load(tokenizer_folder)
    pair = task.Pairs(["A dog ran ."], ["The dog ran ."], np.array([1]))
    prompt = (
        "Sentence 1: A dog ran .\nSentence 2: The dog ran .\n"
        "Question: Do both sentences mean the same thing?\nAnswer:"
    )
    (context, no), (again, yes) = zero_shot.requests(words, pair)
    assert words.decode(context) == words.decode(again) == prompt
    assert (words.decode(no), words.decode(yes)) == (" no", " yes")
    likely = zero_shot.likeliest(np.array([-3.0, -1.0, -2.0, -2.0, -5.0, -2.0]))
    assert likely.tolist() == [1, 0, 0]


# the stage


@pytest.mark.slow
def test_every_layer_and_pooling_has_its_rows(
    tmp_path: Path, save_checkpoint: Callable[..., Path], pairs_folder: Path
) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint")
    found = table(tmp_path, checkpoint, pairs_folder)
    assert list(found.columns) == list(DOWNSTREAM)
    assert not found.duplicated(list(KEYS["downstream"])).any()
    probes = found[found["metric"].str.startswith("probe")]
    assert len(probes) == 4 * 2 * 3  # layers x poolings x (accuracy, F1, C)
    whole = found[found["layer"] == "-"]
    methods = ("majority", "bag_of_words", "zero_shot")
    names = [f"{method}_{score}" for method in methods for score in ("accuracy", "f1")]
    assert whole["metric"].tolist() == names
    assert set(found["metric"]) == set(METRICS)
    scores = found[found["metric"] != "probe_c"]
    assert (scores["low"] <= scores["value"]).all()
    assert (scores["value"] <= scores["high"]).all()
    assert set(scores["n"]) == {30}
    assert (found["flops"] > 0).all()
    labels = task.read(pairs_folder, "validation", rows=100).labels
    majority = found.set_index("metric")["value"]["majority_accuracy"]
    assert majority == pytest.approx(labels.mean())


@pytest.mark.slow
def test_the_same_twice_is_the_same_bytes(
    tmp_path: Path, save_checkpoint: Callable[..., Path], pairs_folder: Path
) -> None:
    checkpoint, read = save_checkpoint(tmp_path / "checkpoint"), []
    for _ in range(2):
        table(tmp_path, checkpoint, pairs_folder, layers=["final_norm"], poolings=["mean"])
        read.append((tmp_path / "downstream.parquet").read_bytes())
    assert read[0] == read[1]


def plain_probe(
    checkpoint: Path, train: task.Pairs, test: task.Pairs, layer: int, pooling: str, context: int
) -> np.ndarray:
    """The probe by transformers and scikit-learn alone, one sentence at a time."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()

    def vector(sentence: str) -> np.ndarray:
        ids = [words.eos_token_id, *words(sentence, add_special_tokens=False)["input_ids"]]
        with torch.inference_mode():
            output = model(torch.tensor([ids[:context]]), output_hidden_states=True)
        states = output.hidden_states[layer][0, 1:].double().numpy()
        return np.asarray(states[-1] if pooling == "last" else states.mean(0))

    def features(pairs: task.Pairs) -> np.ndarray:
        u, v = (np.stack([vector(one) for one in some]) for some in (pairs.first, pairs.second))
        return np.concatenate([abs(u - v), u * v], axis=1)

    pipe = Pipeline([("scale", StandardScaler()), ("fit", LogisticRegression(max_iter=2000))])
    grid = {"fit__C": [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0]}
    search = GridSearchCV(pipe, grid, cv=StratifiedKFold(5), scoring="accuracy")
    guessed = search.fit(features(train), train.labels).predict(features(test))
    return np.asarray(guessed)


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_the_probe_is_that_of_a_plain_script(
    pooling: str, tmp_path: Path, save_checkpoint: Callable[..., Path], pairs_folder: Path
) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint")
    found = table(tmp_path, checkpoint, pairs_folder, layers=["block_1"], poolings=[pooling])
    train, test = (task.read(pairs_folder, split, rows=99) for split in ("train", "validation"))
    guessed = plain_probe(checkpoint, train, test, 1, pooling, 64)
    values = found.set_index("metric")["value"]
    assert values["probe_accuracy"] == pytest.approx(accuracy_score(test.labels, guessed))
    assert values["probe_f1"] == pytest.approx(f1_score(test.labels, guessed))


@pytest.mark.slow
def test_labels_that_the_states_hold_are_told(
    tmp_path: Path, save_checkpoint: Callable[..., Path], tokenizer_folder: Path
) -> None:
    rng = np.random.default_rng(0)
    nouns = ["fox", "girl", "boat", "bird", "tree", "river", "ball", "hill"]
    some = [[f"The {nouns[i]} ran over the {nouns[j]}." for i, j in rng.integers(0, 8, (300, 2))]]
    labels = rng.integers(0, 2, 300)
    other = [
        one if label else "Once there was a song."
        for one, label in zip(some[0], labels, strict=True)
    ]
    columns = {"sentence1": some[0], "sentence2": other, "label": labels.tolist()}
    checkpoint, folder = save_checkpoint(tmp_path / "checkpoint"), saved(tmp_path / "d", columns)
    found = table(tmp_path, checkpoint, folder, layers=["embedding"], poolings=["mean"])
    values = found.set_index("metric")["value"]
    assert values["probe_accuracy"] > 0.99
    assert values["bag_of_words_accuracy"] > 0.99
    assert values["majority_accuracy"] < 0.6


def test_only_so_many_rows_are_read(pairs_folder: Path) -> None:
    whole = task.read(pairs_folder, "train", rows=1000)
    part = task.read(pairs_folder, "train", rows=7)
    assert (len(whole), len(part)) == (60, 7)
    assert part.first == whole.first[:7]
    assert part.sentences == [*part.first, *part.second]


@pytest.mark.slow
def test_what_is_no_task_is_said(
    tmp_path: Path,
    dataset_folder: Path,
    pairs_folder: Path,
    save_checkpoint: Callable[..., Path],
    make_model: Callable[..., Any],
) -> None:
    with pytest.raises(InputError, match="no column 'sentence1': a task of downstream needs"):
        task.read(dataset_folder, "train", rows=5)
    with pytest.raises(InputError, match="no split 'test'"):
        task.read(pairs_folder, "test", rows=5)
    columns = {"sentence1": ["a b"] * 3, "sentence2": ["c"] * 3, "label": [0, 1, 2]}
    with pytest.raises(InputError, match="has the label 2"):
        task.read(saved(tmp_path / "three", columns), "train", rows=5)
    assert len(task.read(tmp_path / "three/mine", "train", rows=2)) == 2
    checkpoint = save_checkpoint(tmp_path / "checkpoint")
    columns = {"sentence1": ["a b"] * 5, "sentence2": ["c"] * 5, "label": [0, 0, 0, 1, 1]}
    few = saved(tmp_path / "few", columns)
    with pytest.raises(InputError, match=r"3 pairs of label 0 and 2 of label 1.*needs 5 of each"):
        table(tmp_path, checkpoint, few)
    with pytest.raises(InputError, match="has a vocabulary of 200"):
        table(tmp_path, save_checkpoint(tmp_path / "small", vocab_size=200), pairs_folder)
    with pytest.raises(InputError, match="64 positions"):
        table(tmp_path, checkpoint, pairs_folder, context=65)
    with pytest.raises(InputError, match="block_9"):
        table(tmp_path, checkpoint, pairs_folder, layers=["block_9"])
    model = make_model("gpt_neox")
    with torch.no_grad():
        model.gpt_neox.layers[1].mlp.dense_4h_to_h.weight[:] = torch.nan
    model.save_pretrained(checkpoint)
    with pytest.raises(InputError, match="not finite in block_2"):
        table(tmp_path, checkpoint, pairs_folder)


@pytest.mark.slow
@pytest.mark.skipif("LMTOPO_DATA" not in os.environ, reason="needs the files of MRPC")
def test_on_mrpc_every_number_is_that_of_a_plain_script(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    files = Path(os.environ["LMTOPO_DATA"]) / "mrpc"
    columns = {"sentence1": "#1 String", "sentence2": "#2 String", "label": "Quality"}
    origin = {"source": "local", "format": "tsv", "columns": columns}
    splits = {"train": str(files / "train.tsv"), "validation": str(files / "dev.tsv")}
    folder = tmp_path / "mrpc"
    dataset(origin={**origin, "splits": splits}, name="mrpc", study="test", folder=str(folder))
    checkpoint = save_checkpoint(tmp_path / "checkpoint", max_position_embeddings=512)
    changes = {"rows": 10_000, "context": 128, "layers": ["final_norm"], "poolings": ["mean"]}
    found = table(tmp_path, checkpoint, folder, **changes)
    values = found.set_index("metric")["value"]
    train, test = (task.read(folder, split, rows=10_000) for split in splits)
    assert (len(train), len(test)) == (3668, 408)
    assert values["majority_accuracy"] == pytest.approx(279 / 408)  # as GLUE's validation has it
    assert values["majority_f1"] == pytest.approx(2 * 279 / (279 + 408))
    guessed = plain_probe(checkpoint, train, test, -1, "mean", 128)
    assert values["probe_accuracy"] == pytest.approx(accuracy_score(test.labels, guessed))
    assert values["probe_f1"] == pytest.approx(f1_score(test.labels, guessed))
    assert values["bag_of_words_accuracy"] > values["majority_accuracy"]
    interval = found.set_index("metric").loc["majority_accuracy", ["low", "high"]]
    spread = 1.96 * (279 * 129 / 408**3) ** 0.5  # of a share, for large samples
    assert interval.tolist() == pytest.approx([279 / 408 - spread, 279 / 408 + spread], abs=0.01)
