import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lmtopo.errors import InputError
from lmtopo.train import Recipe, train
from lmtopo.train.data import TrainingData

RECIPE: dict[str, Any] = {
    "architecture": {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "rotary_pct": 0.25,
        "tie_word_embeddings": False,
    },
    "vocabulary": 300,
    "positions": 32,
    "steps": [0, 1, 4, 12],
    "unique_tokens": None,
    "flops_per_token": 7,
    "seed": 1,
    "threads": 1,
    "dtype": "float32",
    "context": 16,
    "batch_size": 4,
    "learning_rate": 1e-2,
    "final_learning_rate": 0.1,
    "warmup": 0.25,
    "weight_decay": 0.1,
    "betas": [0.9, 0.95],
    "clip": 1.0,
}


@pytest.fixture
def run(
    tmp_path: Path,
    dataset_folder: Path,
    tokenizer_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Path]:
    """Trains in a fresh working directory and returns the run's folder."""
    monkeypatch.chdir(tmp_path)

    def call(name: str, **changes: Any) -> Path:
        train(
            dataset=str(dataset_folder),
            tokenizer=str(tokenizer_folder),
            run=str(tmp_path / name),
            name=name,
            recipe=RECIPE | changes,
            device="cpu",
        )
        return tmp_path / name

    return call


def weights(run: Path, step: int) -> bytes:
    return (run / f"step{step}" / "model.safetensors").read_bytes()


def test_loss_falls_from_that_of_a_guess(run: Callable[..., Path]) -> None:
    table = pd.read_parquet(run("run") / "training.parquet")
    assert table["step"].tolist() == list(range(1, 13))
    assert table["loss"].iloc[0] == pytest.approx(np.log(300), abs=0.1)
    assert table["loss"].iloc[-1] < table["loss"].iloc[0] - 0.3
    assert table["tokens"].iloc[-1] == 12 * 4 * 16
    assert table["flops"].iloc[-1] == 12 * 4 * 16 * 7


def test_a_run_holds_its_checkpoints_in_hugging_face_format(run: Callable[..., Path]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = run("run")
    names = {path.name for path in folder.glob("step*")}
    assert names == {"step0", "step1", "step4", "step12"}
    model = AutoModelForCausalLM.from_pretrained(folder / "step12")
    assert model.config.model_type == "gpt_neox"
    assert len(AutoTokenizer.from_pretrained(folder / "step12")) == 300
    assert json.loads((folder / "step4" / "resources.json").read_text()) == {
        "tokens": 256.0,
        "unique_tokens": 256.0,
        "flops": 1792.0,
    }
    assert not list(Path(".lmtopo/state").iterdir())


def test_the_same_recipe_twice_gives_the_same_weights(run: Callable[..., Path]) -> None:
    one, two = run("one"), run("two")
    assert [weights(one, step) for step in (0, 12)] == [weights(two, step) for step in (0, 12)]
    assert weights(one, 12) != weights(run("other", seed=2), 12)


def test_a_killed_run_goes_on_and_ends_with_the_same_weights(
    run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.train.state import State

    whole = run("whole")
    monkeypatch.setattr("lmtopo.train.state.SAVE_EVERY", 0.0)
    done = State.done

    def killed(self: State, step: int, **values: float) -> None:
        done(self, step, **values)
        if step == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(State, "done", killed)
    with pytest.raises(KeyboardInterrupt):
        run("resumed")
    steps = []

    def noted(self: State, step: int, **values: float) -> None:
        steps.append(step)
        done(self, step, **values)

    monkeypatch.setattr(State, "done", noted)
    resumed = run("resumed")
    assert steps == list(range(7, 12))
    assert weights(resumed, 12) == weights(whole, 12)
    tables = [(folder / "training.parquet").read_bytes() for folder in (whole, resumed)]
    assert tables[0] == tables[1]


def cut(content: bytes) -> bytes:
    return content[:1000]


def turned(content: bytes) -> bytes:
    """A bit of the largest array, which torch would load all the same."""
    spoilt = bytearray(content)
    spoilt[len(spoilt) // 2] ^= 1 << 6
    return bytes(spoilt)


@pytest.mark.parametrize("spoil", [cut, turned])
def test_a_run_whose_saved_state_is_damaged_begins_anew(
    run: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[bytes], bytes],
) -> None:
    from lmtopo.train.state import State

    whole = run("whole")
    monkeypatch.setattr("lmtopo.train.state.SAVE_EVERY", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(State, "finish", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run("again")
    (state,) = Path(".lmtopo/state").glob("*/state.pt")
    state.write_bytes(spoil(state.read_bytes()))
    again = run("again")
    assert "begins anew, its saved state is damaged" in capsys.readouterr().err
    assert weights(again, 12) == weights(whole, 12)


def test_a_turned_bit_of_weights_names_the_run_that_has_to_be_made_anew(
    run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.errors import Damaged, InputError
    from lmtopo.formats.checkpoints import load

    made = run("whole")
    monkeypatch.chdir(made.parent)
    folder = Path("results/whole")
    folder.parent.mkdir()
    made.rename(folder)
    load(folder / "step12", dtype="float32")
    file = folder / "step12/model.safetensors"
    spoilt = bytearray(file.read_bytes())
    spoilt[-100] ^= 1
    file.write_bytes(spoilt)
    with pytest.raises(Damaged, match=r"whole' is damaged \(the checksum of step12/model.safe"):
        load(folder / "step12", dtype="float32")
    # what lies elsewhere is the user's, and nobody is told to delete it
    with pytest.raises(InputError, match="put the file back") as raised:
        load(folder.resolve() / "step12", dtype="float32")
    assert not isinstance(raised.value, Damaged)


def test_a_run_killed_while_it_was_moved_away_starts_again(
    run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.train.state import State

    whole = run("whole")
    monkeypatch.setattr("lmtopo.train.state.SAVE_EVERY", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(State, "finish", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run("again")
    for step in Path(".lmtopo/state").glob("*/run/step*"):
        step.rename(step.parent.parent / step.name)
    again = run("again")
    assert {path.name for path in again.glob("step*")} == {"step0", "step1", "step4", "step12"}
    assert weights(again, 12) == weights(whole, 12)


def test_a_run_is_trained_by_one_job_at_a_time(
    run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.train.state import State

    done, tried = State.done, []

    def beside(self: State, step: int, **values: float) -> None:
        done(self, step, **values)
        if step == 5:
            monkeypatch.setattr(State, "done", done)
            with pytest.raises(InputError, match="'one' is being trained by another job"):
                run("one")
            tried.append(step)

    monkeypatch.setattr(State, "done", beside)
    folder = run("one")
    assert tried == [5]
    assert {path.name for path in folder.glob("step*")} == {"step0", "step1", "step4", "step12"}
    assert not list(Path(".lmtopo/state").iterdir())


def test_what_other_settings_have_left_half_trained_is_removed(
    run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.train.state import State

    def killed(self: State, step: int, **values: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(State, "done", killed)
        for name, seed in (("one", 1), ("one", 2), ("other", 1)):
            with pytest.raises(KeyboardInterrupt):
                run(name, seed=seed)
    assert len(list(Path(".lmtopo/state").iterdir())) == 3
    run("one", seed=3)
    (left,) = Path(".lmtopo/state").iterdir()
    run("other")
    assert not left.exists()


def test_a_run_that_has_lost_checkpoints_is_not_finished(
    run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.train.state import State

    done = State.done

    def lossy(self: State, step: int, **values: float) -> None:
        done(self, step, **values)
        shutil.rmtree(self.run / "step1", ignore_errors=True)

    monkeypatch.setattr(State, "done", lossy)
    with pytest.raises(InputError, match="has lost step1 while it trained"):
        run("lossy")
    monkeypatch.setattr(State, "done", done)
    assert (run("lossy") / "step1").is_dir()


def test_bfloat16_trains_to_other_weights_in_float32(run: Callable[..., Path]) -> None:
    from safetensors.torch import load_file

    folder = run("half", dtype="bfloat16")
    kept = load_file(folder / "step12" / "model.safetensors")
    assert {tensor.dtype for tensor in kept.values()} == {torch.float32}
    assert weights(folder, 12) != weights(run("full"), 12)


def make_data(dataset: Path, tokenizer: Path, **changes: Any) -> TrainingData:
    shape = {"context": 8, "batch_size": 2, "steps": 400, "unique_tokens": None, "seed": 1}
    return TrainingData(str(dataset), str(tokenizer), **shape | changes)


def test_an_epoch_reads_every_window_once(dataset_folder: Path, tokenizer_folder: Path) -> None:
    data = make_data(dataset_folder, tokenizer_folder, unique_tokens=81)
    assert data.unique_tokens == 80
    first = torch.cat([data.batch(step)[0] for step in range(5)])
    second = torch.cat([data.batch(step)[0] for step in range(5, 10)])
    assert not torch.equal(first, second)
    assert sorted(first.tolist()) == sorted(second.tolist())


def test_targets_are_the_inputs_shifted_by_one(
    dataset_folder: Path, tokenizer_folder: Path
) -> None:
    inputs, targets = make_data(dataset_folder, tokenizer_folder).batch(3)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])


def test_a_longer_run_begins_as_a_shorter_one(dataset_folder: Path, tokenizer_folder: Path) -> None:
    short = make_data(dataset_folder, tokenizer_folder, steps=20)
    long = make_data(dataset_folder, tokenizer_folder, steps=100)
    for step in range(20):
        assert torch.equal(short.batch(step)[0], long.batch(step)[0])


def test_more_unique_tokens_than_there_are_is_an_error(
    dataset_folder: Path, tokenizer_folder: Path
) -> None:
    with pytest.raises(InputError, match="asks for 10000000 unique tokens"):
        make_data(dataset_folder, tokenizer_folder, steps=10**7, unique_tokens=10**7)


def test_the_learning_rate_warms_up_and_ends_at_its_share() -> None:
    recipe = Recipe(**RECIPE | {"steps": [0, 100], "warmup": 0.1})
    rates = [recipe.learning_rate_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(1e-3)
    assert max(rates) == rates[9] == pytest.approx(1e-2)
    assert rates[-1] == pytest.approx(1e-3)
    assert rates[9:] == sorted(rates[9:], reverse=True)


def test_a_batch_that_does_not_fit_names_the_number_that_does(
    run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = torch.nn.functional.cross_entropy

    def scarce(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if len(targets) > 5 * 16:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(logits, targets)

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", scarce)
    with pytest.raises(InputError, match=r"train.batch_size: 16 windows of 16 tokens .* 4 fit"):
        run("run", batch_size=16)


def test_a_run_says_what_it_was_trained_on(run: Callable[..., Path]) -> None:
    found = json.loads((run("run") / "provenance.json").read_text())
    assert found["device"]["type"] == "cpu"
    assert found["recipe"]["batch_size"] == 4
