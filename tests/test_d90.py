import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.linalg import hadamard

from lmtopo.d90 import d90, finetune, metrics
from lmtopo.d90.fastfood import Subspace, walsh_hadamard
from lmtopo.d90.finetune import Classifier, Recipe, joined, layer_of, learn, padded
from lmtopo.d90.smallest import gain, over_resamples, smallest
from lmtopo.dataset import dataset
from lmtopo.errors import Damaged, InputError
from lmtopo.tables import DOWNSTREAM, KEYS

SHAPES = {"embedding.weight": (3, 4), "block.0.bias": (5,), "block.1.bias": (3,)}


def zeros() -> dict[str, torch.Tensor]:
    return {name: torch.zeros(shape) for name, shape in SHAPES.items()}


def matrix(start: dict[str, torch.Tensor], dimension: int, seed: int) -> np.ndarray:
    """P, a column for each unit vector."""
    subspace = Subspace(start, dimension, seed=seed)
    columns = []
    for unit in torch.eye(dimension):
        subspace.z.data = unit
        columns.append(torch.cat([value.flatten() for value in subspace().values()]))
    return torch.stack(columns, dim=1).detach().numpy()


def test_the_fast_transform_is_the_hadamard_matrix() -> None:
    x = torch.randn(64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    np.testing.assert_allclose(walsh_hadamard(x), hadamard(64) @ x.numpy(), atol=1e-12)


def test_the_projection_is_orthogonal_in_expectation() -> None:
    found = [matrix(zeros(), 6, seed) for seed in range(200)]
    products = np.stack([p.T @ p for p in found])
    error = products.std(axis=0) / len(products) ** 0.5
    assert (np.abs(products.mean(axis=0) - np.eye(6)) <= 4 * error + 1e-6).all()
    assert error.max() < 0.1  # so that the line above says something


def test_of_many_parameters_one_draw_is_nearly_an_isometry() -> None:
    p = matrix({"a": torch.zeros(3000), "b": torch.zeros(40, 50)}, 8, 0)
    np.testing.assert_allclose(p.T @ p, np.eye(8), atol=0.12)


def test_as_many_dimensions_as_parameters_reach_all_of_them() -> None:
    assert np.linalg.matrix_rank(matrix(zeros(), 20, 0)) == 20


def test_a_subspace_begins_at_the_start_and_said_scales_its_layers() -> None:
    start = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    groups = {name: layer_of(name) for name in start}
    assert list(groups.values()) == ["embedding", "block.0", "block.1"]
    subspace = Subspace(start, 7, seed=0, groups=groups)
    assert (len(subspace.z), len(subspace.scales)) == (4, 3)
    assert all(torch.equal(value, start[name]) for name, value in subspace().items())
    subspace.z.data = torch.ones(4)
    once = {name: value - start[name] for name, value in subspace().items()}
    subspace.scales.data = torch.tensor([1.0, 2.0, 0.0])
    moved = {name: value - start[name] for name, value in subspace().items()}
    for name, scale in zip(start, (1.0, 2.0, 0.0), strict=True):
        torch.testing.assert_close(moved[name], scale * once[name], atol=1e-6, rtol=1e-5)
    with pytest.raises(InputError, match="dimension 3 has no room beside the scales of 3 layers"):
        Subspace(start, 3, seed=0, groups=groups)


def planted(dimension: int, seed: int) -> float:
    """The toy of Li et al. 2018, section 2: of 200 parameters the sums of ten groups of 20 must
    have ten given values. Its intrinsic dimension is 10. The share of sums that are met."""
    subspace = Subspace({"theta": torch.zeros(200)}, dimension, seed=seed)
    targets = torch.arange(1.0, 11.0)
    optimizer = torch.optim.LBFGS(
        [subspace.z], max_iter=500, tolerance_grad=1e-9, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = ((subspace()["theta"].view(10, 20).sum(1) - targets) ** 2).sum()
        value.backward()
        return value

    optimizer.step(loss)  # type: ignore[arg-type]
    missed = (subspace()["theta"].view(10, 20).sum(1) - targets).abs()
    return float((missed < 0.05).float().mean())


@pytest.mark.slow
def test_a_planted_task_of_ten_dimensions_has_d90_ten() -> None:
    grid = (2, 5, 8, 9, 10, 12, 20)
    accuracies = {d: np.array([planted(d, seed) for seed in range(3)]) for d in grid}
    found = smallest(accuracies, full=np.ones(3), majority=0.0, beats=True)
    assert (found.value, found.low, found.high) == (10, 10, 10)


def test_d90_is_of_the_gain_over_the_majority() -> None:
    accuracies = {10: np.array([0.7, 0.7]), 100: np.array([0.79, 0.8]), 30: np.array([0.76, 0.75])}
    full = np.array([0.8, 0.8])
    # 90% of the score, 0.72, is reached at 30; of the gain from 0.7, 0.79, at 100
    assert smallest(accuracies, full=full, majority=0.7, beats=True).value == 100
    del accuracies[100]
    assert smallest({}, full=full, majority=0.7, beats=True).value == math.inf
    assert smallest(accuracies, full=full, majority=0.7, beats=True).value == math.inf
    assert math.isnan(smallest(accuracies, full=full, majority=0.7, beats=False).value)
    accuracies[100] = np.array([0.78, 0.9])
    found = smallest(accuracies, full=full, majority=0.7, beats=True)
    assert (found.value, found.low, found.high) == (100, 100, math.inf)


def test_a_gain_that_is_none_does_not_leave_its_interval() -> None:
    rng = np.random.default_rng(0)
    majority = rng.random(400) < 0.7
    same = gain(np.stack([majority] * 3), majority, rng)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    better = gain(rng.random((3, 400)) < 0.9, majority, rng)
    assert 0.1 < better.low < better.value < better.high


def test_an_accuracy_is_as_uncertain_as_its_pairs_are_few() -> None:
    rng = np.random.default_rng(0)
    always = np.stack([np.arange(400) < 280] * 3).astype(float)  # right as often as the majority
    found = over_resamples(always, rng)
    spread = math.sqrt(0.7 * 0.3 / 400)
    assert found.value == pytest.approx(0.7)
    assert found.high - found.low == pytest.approx(2 * 1.96 * spread, rel=0.15)


def test_both_sentences_keep_their_start() -> None:
    assert joined([1, 2], [3], 0, 64) == [0, 1, 2, 0, 3, 0]
    long = joined([1] * 50, [2] * 50, 0, 23)
    assert (len(long), long.count(1), long.count(2), long[-1]) == (23, 10, 10, 0)
    assert joined([1] * 50, [2] * 4, 0, 23).count(1) == 16
    assert joined([1] * 4, [2] * 50, 0, 23).count(2) == 16


SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 32, "vocab_size": 40}


@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "llama"])
def test_padding_changes_no_answer(architecture: str, make_model: Callable[..., Any]) -> None:
    model = make_model(architecture)
    classifier = Classifier(model.get_decoder(), 32, 0)
    texts = [[1, 2, 3, 4, 5], [6], [7, 8]]
    with torch.inference_mode():
        together = classifier(*padded(texts, torch.device("cpu")))
        alone = [classifier(*padded([text], torch.device("cpu"))).item() for text in texts]
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.slow
def test_all_dimensions_learn_what_full_fine_tuning_learns(
    make_model: Callable[..., Any],
) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    texts = [[0, *rng.integers(5, 40, 3).tolist(), 3 + label, 0] for label in labels.tolist()]
    model = make_model("gpt_neox", **SMALL)
    classifier = Classifier(model.get_decoder(), 16, 0)
    total = sum(value.numel() for value in classifier.parameters())
    before = [value.clone() for value in classifier.parameters()]
    right = {}
    for dimension in (None, total, 1):
        found = learn(
            classifier,
            texts[:200],
            labels[:200],
            texts[200:],
            dimension=dimension,
            said=False,
            seed=0,
            recipe=Recipe(steps=60, batch_size=16, learning_rate=3e-3),
        )
        right[dimension] = (found == labels[200:]).mean()
    assert right[None] > 0.97
    assert right[total] == pytest.approx(right[None], abs=0.03)
    assert right[1] < 0.9
    assert all(map(torch.equal, before, classifier.parameters()))


SETTINGS: dict[str, Any] = {
    "run": {
        "study": "test",
        "model": "m",
        "budget": "released",
        "checkpoint": "step7",
        "step": 7,
        "tokens": 700.0,
    },
    "name": "pairs",
    "split": "validation",
    "rows": 1000,
    "dimensions": [8],
    "seeds": 2,
    "steps": 3,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "context": 64,
    "threads": 1,
    "device": "cpu",
    "seed": 1,
}
PARAPHRASES = {
    "source": "generated",
    "kind": "paraphrases",
    "seed": 0,
    "rows": {"train": 40, "validation": 20, "test": 0},
}


def save_pairs(**origin: Any) -> None:
    dataset(origin=origin, name="pairs", study="test", folder="pairs")


@pytest.fixture
def measure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_checkpoint: Callable[..., Path]
) -> Callable[..., pd.DataFrame]:
    """The table of a small checkpoint and the dataset `pairs`, with changes to `SETTINGS`; in an
    empty folder."""
    monkeypatch.chdir(tmp_path)
    small = str(save_checkpoint(tmp_path / "checkpoint"))

    def table(checkpoint: str = small, **changes: Any) -> pd.DataFrame:
        told = SETTINGS | changes
        d90(checkpoint=checkpoint, tokenizer=checkpoint, dataset="pairs", d90="d90.parquet", **told)
        return pd.read_parquet("d90.parquet")

    return table


@pytest.mark.slow
def test_a_batch_that_does_not_fit_names_the_size_that_does(
    monkeypatch: pytest.MonkeyPatch, measure: Callable[..., pd.DataFrame]
) -> None:
    save_pairs(**PARAPHRASES)

    def scarce(*arguments: Any, **how: Any) -> Any:
        if how["recipe"].batch_size > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return learn(*arguments, **how)

    monkeypatch.setattr(finetune, "learn", scarce)
    with pytest.raises(InputError, match=r"finetune.batch_size: 16 pairs of sentences .* 4 fit"):
        measure(batch_size=16)
    assert not list(Path(".lmtopo").rglob("*.json"))


@pytest.mark.slow
def test_what_is_tuned_once_is_not_tuned_again(
    monkeypatch: pytest.MonkeyPatch, measure: Callable[..., pd.DataFrame]
) -> None:
    save_pairs(**PARAPHRASES)
    tuned: list[tuple[int | None, bool]] = []

    def counted(*arguments: Any, **how: Any) -> Any:
        if len(tuned) == limit[0]:
            raise KeyboardInterrupt
        tuned.append((how["dimension"], how["said"]))
        return learn(*arguments, **how)

    monkeypatch.setattr(finetune, "learn", counted)
    limit = [3]
    with pytest.raises(KeyboardInterrupt):
        measure()
    limit = [99]
    found = measure()
    assert tuned == [(None, False)] * 2 + [(8, False)] * 2 + [(8, True)] * 2
    assert list(found.columns) == list(DOWNSTREAM)
    assert not found.duplicated(list(KEYS["downstream"])).any()
    values = found.set_index("metric")["value"]
    assert set(values.index) == set(metrics([8]))
    # three steps teach nothing
    assert math.isnan(values["d90_global"])
    assert math.isnan(values["d90_said"])
    first = Path("d90.parquet").read_bytes()
    measure()
    assert len(tuned) == 6
    assert Path("d90.parquet").read_bytes() == first
    measure(dimensions=[8, 16, 2])  # no room for two dimensions beside the scales of five layers
    assert tuned[6:] == [(2, False)] * 2 + [(16, False)] * 2 + [(16, True)] * 2
    measure(steps=4)
    assert len(tuned) == 18


@pytest.mark.slow
def test_a_task_that_can_be_learned_has_a_d90(measure: Callable[..., pd.DataFrame]) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    ends = [" It sang.", " The hill was red."]
    rows = {
        "sentence1": [f"A bird took {number} boats." for number in range(300)],
        "sentence2": [f"{number} boats were taken.{ends[labels[number]]}" for number in range(300)],
        "label": labels,
    }
    for split, part in {"train": slice(0, 200), "validation": slice(200, 300)}.items():
        pd.DataFrame(rows)[part].to_parquet(f"{split}.parquet")
    splits = {split: f"{split}.parquet" for split in ("train", "validation")}
    save_pairs(source="local", format="parquet", splits=splits)
    found = measure(dimensions=[1, 8, 256], seeds=1, steps=60, batch_size=16, learning_rate=3e-3)
    values = found.set_index("metric")["value"]
    assert values["finetuned_accuracy"] > 0.97
    assert values["global_1_accuracy"] < 0.9
    assert values["d90_global"] in (8, 256)
    assert values["d90_said"] in (8, 256)


@pytest.mark.slow
def test_models_whose_last_states_are_narrower_than_their_blocks_are_tuned(
    tmp_path: Path, save_checkpoint: Callable[..., Path], measure: Callable[..., pd.DataFrame]
) -> None:
    save_pairs(**PARAPHRASES)
    narrow = {"word_embed_proj_dim": 16, "do_layer_norm_before": False}  # as OPT-350m
    checkpoint = str(save_checkpoint(tmp_path / "opt", "opt", **narrow))
    found = measure(checkpoint=checkpoint, dimensions=[8], seeds=1, steps=1)
    assert "global_8_accuracy" in set(found["metric"])


def test_an_answer_with_a_turned_bit_is_no_answer(measure: Callable[..., pd.DataFrame]) -> None:
    save_pairs(**PARAPHRASES)
    few = {"seeds": 1, "steps": 1}
    measure(**few)
    first = Path("d90.parquet").read_bytes()
    (kept,) = Path(".lmtopo/state/d90").glob("*/full-all-0.json")
    text = kept.read_text()
    place = text.index("\n    ") + 5
    kept.write_text(text[:place] + str(1 - int(text[place])) + text[place + 1 :])
    with pytest.raises(Damaged, match=r"full-all-0\.json' is damaged \(its checksum differs\)"):
        measure(**few)
    kept.unlink()
    measure(**few)
    assert Path("d90.parquet").read_bytes() == first
