import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lmtopo.checksums import seal_folder
from lmtopo.errors import Damaged, InputError
from lmtopo.formats import checkpoints as checkpoint


@pytest.mark.parametrize(
    ("name", "step", "tokens"),
    [
        ("checkpoint-500", 500, None),
        ("step1000", 1000, None),
        ("step1000-tokens4B", 1000, 4e9),
        ("global_step12", 12, None),
        ("step500-tokens2.3B", 500, 2.3e9),
        ("my-model_step_7", 7, None),
        ("ckpt-10k", 10_000, None),
        ("step_2M", 2_000_000, None),
        ("iteration_1000", 1000, None),
        ("iter_0001000", 1000, None),
        ("epoch=1-step=1000", 1000, None),
        ("ckpts/step1000", 1000, None),
        ("runs/iteration-5k/tokens2B", 5000, 2e9),
        ("reiteration_3", None, None),
        ("step1,000", None, None),
        ("step1000-tokens12.5.3B", 1000, None),
        ("42", 42, None),
        ("gpt2", None, None),
        ("pythia-70m", None, None),
    ],
)
def test_a_name_tells_the_step(name: str, step: int | None, tokens: float | None) -> None:
    assert checkpoint.step_and_tokens(name) == (step, tokens)


def test_folders_come_by_step_and_not_by_name(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    for step in (10, 9, 100):
        save_checkpoint(tmp_path / f"step{step}")
    found = checkpoint.find(str(tmp_path / "step*"))
    assert [folder.step for folder in found] == [9, 10, 100]


def test_a_single_folder_may_be_told_its_step(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    save_checkpoint(tmp_path / "final")
    with pytest.raises(InputError, match="cannot read the training step"):
        checkpoint.find(str(tmp_path / "final"))
    assert checkpoint.find(str(tmp_path / "final"), step=3)[0].step == 3


def test_two_folders_of_one_step_are_an_error(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    save_checkpoint(tmp_path / "step1")
    save_checkpoint(tmp_path / "checkpoint-1")
    with pytest.raises(InputError, match="both step 1"):
        checkpoint.find(str(tmp_path / "*"))


def test_folders_without_config_or_weights_are_named(tmp_path: Path) -> None:
    (tmp_path / "step1").mkdir()
    with pytest.raises(InputError, match=r"holds no config\.json"):
        checkpoint.find(str(tmp_path / "step1"))
    (tmp_path / "step1" / "config.json").write_text("{}")
    with pytest.raises(InputError, match="holds no weights"):
        checkpoint.find(str(tmp_path / "step1"))


def test_hashes_are_those_of_the_bytes_and_of_sealed_checkpoints_those_that_are_noted(
    tmp_path: Path, save_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_checkpoint(tmp_path / "step1")
    true = {
        str(folder / name): hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("config.json", "model.safetensors")
    }
    assert checkpoint.hashes(folder) == true
    seal_folder(folder)
    monkeypatch.delattr(checkpoint, "sha256")  # large files are read once, when they are loaded
    assert checkpoint.hashes(folder) == true


def test_missing_weights_are_never_filled_at_random(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    from safetensors.torch import load_file, save_file

    folder = save_checkpoint(tmp_path / "step1")
    weights = load_file(folder / "model.safetensors")
    weights.pop("gpt_neox.layers.1.mlp.dense_4h_to_h.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="missing_keys"):
        checkpoint.load(folder, dtype="float32")


@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "llama"])
def test_shapes_are_read_whatever_the_architecture_calls_them(
    architecture: str, tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    folder = save_checkpoint(tmp_path / "step1", architecture)
    assert checkpoint.read_shape(folder) == checkpoint.Shape(2, 300, 64, 32)


@pytest.mark.parametrize(
    ("architecture", "changes", "expected"),
    [
        ("gpt2", {"n_positions": 64}, 64),
        ("mpt", {"max_seq_len": 64}, 64),
        ("rwkv", {"context_length": 64}, 64),
        ("bloom", {}, None),
        ("mamba", {}, None),
    ],
)
def test_positions_are_those_that_the_model_cannot_go_beyond(
    architecture: str, changes: dict[str, int], expected: int | None
) -> None:
    import transformers

    config = transformers.AutoConfig.for_model(architecture, **changes)
    assert checkpoint.positions(config.to_dict()) == expected


def test_pickles_with_code_are_refused(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    import torch

    folder = save_checkpoint(tmp_path / "step1")
    (folder / "model.safetensors").unlink()

    class Dangerous:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "owned",))  # type: ignore[return-value]

    torch.save({"weight": Dangerous()}, folder / "pytorch_model.bin")
    # torch's own message advises to load it all the same
    with pytest.raises(InputError, match=r"holds more than weights.*not loaded$"):
        checkpoint.load(folder, dtype="float32")
    assert not (tmp_path / "owned").exists()


def test_pointers_of_git_lfs_are_no_weights(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    folder = save_checkpoint(tmp_path / "step1")
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{64 * '0'}\nsize 17\n"
    (folder / "model.safetensors").write_text(text)
    with pytest.raises(InputError, match=r"model.safetensors' is a pointer .*`git lfs pull`"):
        checkpoint.find(str(folder))


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "config.json"])
@pytest.mark.parametrize("kept", [0, 0.5])
def test_files_that_are_cut_short_are_said_to_be_of_which_folder(
    tmp_path: Path, save_checkpoint: Callable[..., Path], name: str, kept: float
) -> None:
    import torch
    from safetensors.torch import load_file

    folder = save_checkpoint(tmp_path / "step1")
    if name == "pytorch_model.bin":
        torch.save(load_file(folder / "model.safetensors"), folder / name)
        (folder / "model.safetensors").unlink()
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match=re.escape(str(folder))):
        checkpoint.load(folder, dtype="float32")


@pytest.fixture
def sharded(tmp_path: Path, save_checkpoint: Callable[..., Path]) -> Path:
    """A checkpoint in several files, with their index."""
    folder = save_checkpoint(tmp_path / "step1")
    model = checkpoint.load(folder, dtype="float32")
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 2
    return folder


def test_all_shards_must_be_there(sharded: Path) -> None:
    assert checkpoint.find(str(sharded))[0].step == 1
    shard = sorted(sharded.glob("*.safetensors"))[1]
    content = shard.read_bytes()
    shard.unlink()
    with pytest.raises(InputError, match=rf"lacks .{shard.name}., which model\.safetensors\.index"):
        checkpoint.find(str(sharded))
    shard.write_bytes(content[:-1])
    with pytest.raises(InputError, match=rf"{shard.name}' is cut short: copy or save"):
        checkpoint.find(str(sharded))
    shard.write_bytes(content)
    index = sharded / "model.safetensors.index.json"
    index.write_text("[]")
    with pytest.raises(InputError, match="is no index of shards"):
        checkpoint.find(str(sharded))
    index.unlink()
    with pytest.raises(InputError, match="holds no weights"):
        checkpoint.find(str(sharded))


def test_what_lies_beside_the_weights_is_not_theirs(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    folder = save_checkpoint(tmp_path / "step1")
    index = '{"weight_map": {"a": "model-00001-of-00002.safetensors"}}'
    (folder / "model.safetensors.index.json").write_text(index)
    (folder / "consolidated.safetensors.index.json").write_text(index)
    for name in ("optimizer-00001-of-00002.safetensors", "optimizer.bin", "training_args.bin"):
        (folder / name).write_bytes(b"")
    assert checkpoint.find(str(folder))[0].step == 1
    names = [Path(file).name for file in checkpoint.weight_files(folder)]
    assert names == ["config.json", "model.safetensors"]


def test_pickled_weights_are_those_although_a_head_is_in_safetensors(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    import torch
    from safetensors.torch import load_file

    folder = save_checkpoint(tmp_path / "step1")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").rename(folder / "value_head.safetensors")
    names = [Path(file).name for file in checkpoint.weight_files(folder)]
    assert names == ["config.json", "pytorch_model.bin"]
    checkpoint.load(folder, dtype="float32")


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_weights_that_are_cut_short_are_seen_before_they_are_loaded(
    tmp_path: Path, save_checkpoint: Callable[..., Path], kept: int
) -> None:
    folder = save_checkpoint(tmp_path / "step1")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"model\.safetensors' is cut short"):
        checkpoint.find(str(folder))


def test_one_step_is_not_that_of_several_folders(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path / f"step{step}")
    with pytest.raises(InputError, match=r"step is 5, but .* matches 2 folders"):
        checkpoint.find(str(tmp_path / "step*"), step=5)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("[]", "is no JSON object"),
        (
            '{"model_type": "gemma3", "text_config": {"a": 1}}',
            r"a model of more than text \(gemma3\)",
        ),
    ],
)
def test_what_is_no_configuration_of_a_language_model(
    tmp_path: Path, config: str, message: str
) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(InputError, match=message):
        checkpoint.read_shape(tmp_path)


def test_weights_that_need_a_package_say_so(
    tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    folder = save_checkpoint(tmp_path / "step1")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"cannot load .* as a causal language model"):
        checkpoint.load(folder, dtype="float32")


@pytest.fixture
def trained(
    tmp_path: Path, save_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A checkpoint of a run of a study in the working directory."""
    monkeypatch.chdir(tmp_path)
    folder = save_checkpoint(Path("results/mine/runs/m/b/step1"))
    seal_folder(folder)
    checkpoint.load(folder, dtype="float32")
    return folder


@pytest.mark.parametrize("sums", [None, "", "[]", '{"config.json": "'])
def test_a_run_without_readable_checksums_is_no_run_to_trust(
    trained: Path, sums: str | None
) -> None:
    file = trained / "sha256.json"
    file.unlink()
    if sums is not None:
        file.write_text(sums)
    for _ in range(2):
        with pytest.raises(Damaged, match=r"'results/mine/runs/m/b' is damaged \(step1/sha256"):
            checkpoint.load(trained, dtype="float32")


def test_a_run_that_lacks_a_checkpoint_is_named(trained: Path) -> None:
    with pytest.raises(Damaged, match=r"'results/mine/runs/m/b' is damaged \(step2/.* missing"):
        checkpoint.load(trained.with_name("step2"), dtype="float32")
    with pytest.raises(InputError, match="'elsewhere/step2' is not there"):
        checkpoint.load("elsewhere/step2", dtype="float32")
