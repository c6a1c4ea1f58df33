import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from lmtopo import scoring
from lmtopo.errors import InputError
from lmtopo.formats import probes
from lmtopo.formats.checkpoints import load
from lmtopo.observe import observe

CLOUDS = "clouds.safetensors"
RUN = {
    "study": "test",
    "model": "m",
    "budget": "released",
    "checkpoint": "step7",
    "step": 7,
    "tokens": 700.0,
}


def observed(folder: Path, checkpoint: Path, probe: Path, **changes: Any) -> dict[str, Any]:
    settings = {
        "run": RUN,
        "layers": "all",
        "poolings": ["token", "last", "mean"],
        "dtype": "float32",
        "batch_size": 4,
        "threads": 1,
        "linear": "auto",
        "device": "cpu",
    }
    observe(
        checkpoint=str(checkpoint),
        probe=str(probe),
        clouds=str(folder / "clouds.safetensors"),
        quality=str(folder / "quality.json"),
        provenance=str(folder / "provenance.json"),
        **settings | changes,
    )
    return json.loads((folder / "quality.json").read_text())


def plain_nll(checkpoint: Path, probe: Path, index: int = 0) -> float:
    """NLL by transformers alone, window by window, as its guide does it."""
    read, model = probes.load(probe).readings[index], load(checkpoint, dtype="float32")
    ids, total = torch.from_numpy(read.stream.ids.astype(np.int64)), 0.0
    for start, length, fresh in zip(
        read.windows.start, read.windows.length, read.windows.fresh, strict=True
    ):
        window = ids[start : start + length + 1]
        labels = window.clone()
        labels[~torch.from_numpy(read.stream.scored[start : start + length + 1])] = -100
        labels[: fresh + 1] = -100
        with torch.inference_mode():
            logits = model(window[None]).logits[0, :-1]
        total += torch.nn.functional.cross_entropy(
            logits.double(), labels[1:], reduction="sum"
        ).item()
    return total


def test_a_uniform_models_perplexity_is_its_vocabulary_size(
    tmp_path: Path, make_model: Callable[..., Any], make_probe: Callable[..., Path]
) -> None:
    model = make_model("gpt_neox")
    with torch.no_grad():
        model.get_output_embeddings().weight.zero_()
    model.save_pretrained(tmp_path / "uniform")
    found = observed(tmp_path, tmp_path / "uniform", make_probe(tmp_path / "probe"))
    reading = found["readings"]["windows"]
    assert reading["perplexity"] == pytest.approx(300, rel=1e-6)
    bits = reading["n_tokens"] * math.log2(300) / reading["n_bytes"]
    assert reading["bits_per_byte"] == pytest.approx(bits, rel=1e-6)


@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "llama"])
@pytest.mark.parametrize("stride", [32, pytest.param(20, marks=pytest.mark.slow)])
def test_nll_is_that_of_a_plain_loop_over_the_same_windows(
    architecture: str,
    stride: int,
    tmp_path: Path,
    save_checkpoint: Callable[..., Path],
    make_probe: Callable[..., Path],
) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint", architecture)
    probe = make_probe(tmp_path / "probe", stride=stride)
    reading = observed(tmp_path, checkpoint, probe)["readings"]["windows"]
    assert reading["nll"] == pytest.approx(plain_nll(checkpoint, probe), rel=1e-6)


def documents_alone(probe: Path) -> list[torch.Tensor]:
    [read] = probes.load(probe).readings
    ids, document = torch.from_numpy(read.stream.ids.astype(np.int64)), read.stream.document
    return [ids[torch.from_numpy(document == index)] for index in range(document.max() + 1)]


@pytest.mark.parametrize("prefix", ["eos", "none"])
def test_read_by_itself_each_document_has_the_loss_that_transformers_gives_it(
    prefix: str,
    tmp_path: Path,
    save_checkpoint: Callable[..., Path],
    make_probe: Callable[..., Path],
) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint")
    probe = make_probe(
        tmp_path / "probe",
        readings=["document"],
        prefix=prefix,
        max_tokens=40,
        context=48,
        points=7,
    )
    readings = observed(tmp_path, checkpoint, probe)["readings"]
    model, total, count = load(checkpoint, dtype="float32"), 0.0, 0
    for ids in documents_alone(probe):
        with torch.inference_mode():
            loss = model(ids[None], labels=ids[None]).loss
        total += loss.item() * (len(ids) - 1)
        count += len(ids) - 1
    assert list(readings) == ["document"]
    assert readings["document"]["nll"] == pytest.approx(total, rel=1e-6)
    assert readings["document"]["n_tokens"] == count


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["eos", "none"])
def test_long_documents_are_read_in_windows_that_do_not_see_each_other(
    prefix: str,
    tmp_path: Path,
    save_checkpoint: Callable[..., Path],
    make_probe: Callable[..., Path],
) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint")
    probe = make_probe(tmp_path / "probe", readings=["document"], prefix=prefix, stride=20)
    found = observed(tmp_path, checkpoint, probe)["readings"]["document"]
    assert found["nll"] == pytest.approx(plain_nll(checkpoint, probe), rel=1e-6)


@pytest.mark.slow
def test_each_reading_is_a_pass_and_clouds_come_from_the_first(
    tmp_path: Path, save_checkpoint: Callable[..., Path], make_probe: Callable[..., Path]
) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint")
    names = ["document", "windows", "rolling"]
    probe = make_probe(tmp_path / "probe", readings=names)
    (tmp_path / "alone").mkdir()
    observed(tmp_path / "alone", checkpoint, make_probe(tmp_path / "one", readings=["document"]))
    found = observed(tmp_path, checkpoint, probe)["readings"]
    assert list(found) == names
    for index, name in enumerate(names):
        assert found[name]["nll"] == pytest.approx(plain_nll(checkpoint, probe, index), rel=1e-6)
    assert len({reading["nll"] for reading in found.values()}) == 3
    assert (tmp_path / CLOUDS).read_bytes() == (tmp_path / "alone" / CLOUDS).read_bytes()


def test_a_document_read_by_itself_ends_with_its_last_token(
    tmp_path: Path, save_checkpoint: Callable[..., Path], make_probe: Callable[..., Path]
) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint")
    probe = make_probe(
        tmp_path / "probe",
        readings=["document"],
        prefix="none",
        max_tokens=40,
        context=40,
        points=7,
        skip_positions=0,
    )
    observed(tmp_path, checkpoint, probe)
    clouds, model = load_file(tmp_path / "clouds.safetensors"), load(checkpoint, dtype="float32")
    for point, ids in enumerate(documents_alone(probe)):
        with torch.inference_mode():
            states = model(ids[None], output_hidden_states=True).hidden_states[-1][0].numpy()
        np.testing.assert_allclose(clouds["last"][-1, point], states[-1], rtol=2e-5, atol=1e-5)
        np.testing.assert_allclose(clouds["mean"][-1, point], states.mean(0), rtol=2e-5, atol=1e-5)


@pytest.mark.slow
def test_half_precision_reads_nearly_what_float32_reads(
    tmp_path: Path, save_checkpoint: Callable[..., Path], make_probe: Callable[..., Path]
) -> None:
    checkpoint, probe = save_checkpoint(tmp_path / "checkpoint"), make_probe(tmp_path / "probe")
    found = {
        dtype: (observed(tmp_path, checkpoint, probe, dtype=dtype), load_file(tmp_path / CLOUDS))
        for dtype in ("float32", "float16")
    }
    (whole, full), (half, rough) = found.values()
    assert half["dtype"] == "float16"
    nll = [quality["readings"]["windows"]["nll"] for quality in (whole, half)]
    assert nll[0] != nll[1]
    assert nll[1] == pytest.approx(nll[0], rel=1e-3)
    assert rough["mean"].dtype == np.float32
    np.testing.assert_allclose(rough["mean"], full["mean"], rtol=0.02, atol=0.02)


def test_clouds_are_the_hidden_states_at_the_probes_places(
    tmp_path: Path, save_checkpoint: Callable[..., Path], make_probe: Callable[..., Path]
) -> None:
    checkpoint, probe = save_checkpoint(tmp_path / "checkpoint"), make_probe(tmp_path / "probe")
    observed(tmp_path, checkpoint, probe)
    clouds = load_file(tmp_path / "clouds.safetensors")
    read, model = probes.load(probe), load(checkpoint, dtype="float32")
    [reading] = read.readings
    ids = torch.from_numpy(reading.stream.ids.astype(np.int64))

    def states(window: int) -> np.ndarray:
        start, length = reading.windows.start[window], reading.windows.length[window]
        with torch.inference_mode():
            hidden = model(ids[None, start : start + length], output_hidden_states=True)
        return np.stack([layer[0].numpy() for layer in hidden.hidden_states])

    def near(found: np.ndarray, expected: np.ndarray) -> None:
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-5)

    for point in (0, 17, 39):
        window, offset = read.places.token[point]
        expected = states(window)[[0, 1, 2], offset]
        near(clouds["token"][[0, 1, 3], point], expected)
        window, first, end = read.places.text[point]
        text = states(window)[[0, 1, 2], first:end]
        near(clouds["mean"][[0, 1, 3], point], text.mean(1))
        near(clouds["last"][[0, 1, 3], point], text[:, -1])


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "llama"])
def test_packed_layers_read_what_plain_ones_read_and_it_is_noted(
    architecture: str,
    tmp_path: Path,
    save_checkpoint: Callable[..., Path],
    make_probe: Callable[..., Path],
) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint", architecture)
    probe, nll, clouds = make_probe(tmp_path / "probe"), [], []
    for linear in ("plain", "packed"):
        found = observed(tmp_path, checkpoint, probe, linear=linear)
        nll.append(found["readings"]["windows"]["nll"])
        clouds.append(load_file(tmp_path / CLOUDS)["mean"])
        provenance = json.loads((tmp_path / "provenance.json").read_text())
        assert (provenance["linear"], provenance["products"]) == (linear, "float32")
        assert provenance["device"]["type"] == found["device"] == "cpu"
    assert nll[1] == pytest.approx(nll[0], rel=1e-6)
    np.testing.assert_allclose(clouds[1], clouds[0], rtol=2e-5, atol=1e-5)


def test_the_same_weights_twice_give_the_same_bytes(
    tmp_path: Path, save_checkpoint: Callable[..., Path], make_probe: Callable[..., Path]
) -> None:
    checkpoint, probe = save_checkpoint(tmp_path / "checkpoint"), make_probe(tmp_path / "probe")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        observed(tmp_path / name, checkpoint, probe)
    for file in ("clouds.safetensors", "quality.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.slow
def test_logits_in_pieces_give_the_same_nll(
    tmp_path: Path,
    save_checkpoint: Callable[..., Path],
    make_probe: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checkpoint, probe = save_checkpoint(tmp_path / "checkpoint"), make_probe(tmp_path / "probe")
    whole = observed(tmp_path, checkpoint, probe)["readings"]["windows"]["nll"]
    monkeypatch.setattr(scoring, "rows_at_once", lambda vocabulary, device: 7)
    pieces = observed(tmp_path, checkpoint, probe)["readings"]["windows"]["nll"]
    assert pieces == pytest.approx(whole, rel=1e-6)


@pytest.mark.slow
def test_flops_of_a_checkpoint_from_elsewhere_follow_from_its_tokens(
    tmp_path: Path, save_checkpoint: Callable[..., Path], make_probe: Callable[..., Path]
) -> None:
    checkpoint, probe = save_checkpoint(tmp_path / "checkpoint"), make_probe(tmp_path / "probe")
    known = observed(tmp_path, checkpoint, probe)["run"]
    assert known["flops"] > 6 * known["parameters"] * 700 * 0.9
    assert known["unique_tokens"] is None
    unknown = observed(tmp_path, checkpoint, probe, run={**RUN, "tokens": None})["run"]
    assert unknown["flops"] is None


def test_what_cannot_be_observed_is_said(
    tmp_path: Path,
    make_model: Callable[..., Any],
    save_checkpoint: Callable[..., Path],
    make_probe: Callable[..., Path],
) -> None:
    probe = make_probe(tmp_path / "probe")
    small = save_checkpoint(tmp_path / "small", vocab_size=200)
    with pytest.raises(InputError, match="has a vocabulary of 200"):
        observed(tmp_path, small, probe)
    short = save_checkpoint(tmp_path / "short", max_position_embeddings=16)
    with pytest.raises(InputError, match="16 positions"):
        observed(tmp_path, short, probe)
    model = make_model("gpt_neox")
    with torch.no_grad():
        model.gpt_neox.layers[1].mlp.dense_4h_to_h.weight[:] = torch.nan
    model.save_pretrained(tmp_path / "broken")
    with pytest.raises(InputError, match="not finite in block_2"):
        observed(tmp_path, tmp_path / "broken", probe)
    whole = save_checkpoint(tmp_path / "whole")
    with pytest.raises(InputError, match="block_9"):
        observed(tmp_path, whole, probe, layers=["block_9"])


def test_layers_of_another_width_than_the_others_are_to_be_left_out(
    tmp_path: Path, save_checkpoint: Callable[..., Path], make_probe: Callable[..., Path]
) -> None:
    # as OPT-350m has them
    narrow = {"word_embed_proj_dim": 16, "do_layer_norm_before": False}
    checkpoint = save_checkpoint(tmp_path / "step7", "opt", **narrow)
    probe = make_probe(tmp_path / "probe")
    with pytest.raises(InputError, match="final_norm is 16 wide and the layers before it 32"):
        observed(tmp_path, checkpoint, probe)
    observed(tmp_path, checkpoint, probe, layers=["embedding", "block_1", "block_2"])
    assert load_file(tmp_path / CLOUDS)["token"].shape[2] == 32


def test_a_downloaded_checkpoint_says_which_commit_it_was(
    tmp_path: Path, save_checkpoint: Callable[..., Path], make_probe: Callable[..., Path]
) -> None:
    folder, probe = save_checkpoint(tmp_path / "model"), make_probe(tmp_path / "probe.safetensors")
    told = {"repo": "me/mine", "revision": "step1", "commit": "c0ffee"}
    (folder / "hub.json").write_text(json.dumps({**told, "files": {}}))
    observed(tmp_path, folder, probe)
    assert json.loads((tmp_path / "provenance.json").read_text())["hub"] == told
