from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from lmtopo import packed
from lmtopo.decoder import Decoder
from lmtopo.packed import PackedLinear, pack, product_dtype

ARCHITECTURES = ["gpt_neox", "gpt2", "llama", "gemma2", "opt", "olmo"]


def read(model: Any) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    ids = torch.randint(0, 300, (3, 20), generator=torch.Generator().manual_seed(1))
    seen: dict[str, torch.Tensor] = {}
    decoder = Decoder(model)
    with torch.inference_mode():
        states = decoder.body(ids, seen.__setitem__)
        return seen, decoder.head(states.reshape(-1, states.shape[-1]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [(3, 5, 48), (48,), (0, 48), (2, 0, 48)])
def test_a_packed_layer_is_the_layer_but_for_rounding(
    dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    order = torch.Generator().manual_seed(0)
    plain = nn.Linear(48, 70)
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=order))
    plain = plain.to(dtype)
    layer = packed.packed(plain)
    x = torch.randn(shape, generator=order).to(dtype)
    with torch.inference_mode():
        found, expected = layer(x), plain(x)
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_states_and_logits_are_the_plain_models_within_float32_rounding(
    architecture: str, make_model: Callable[..., Any]
) -> None:
    plain_states, plain_logits = read(make_model(architecture))
    model = make_model(architecture)
    pack(model)
    assert sum(isinstance(module, PackedLinear) for module in model.modules()) >= 9
    assert not any(type(module) is nn.Linear for module in model.modules())
    states, logits = read(model)
    assert list(states) == list(plain_states)
    for layer, expected in plain_states.items():
        torch.testing.assert_close(states[layer], expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(logits, plain_logits, rtol=1e-5, atol=1e-5)


def test_half_precision_differs_by_its_own_rounding(make_model: Callable[..., Any]) -> None:
    def logits(layout: str, dtype: torch.dtype) -> torch.Tensor:
        model = make_model("gpt_neox").to(dtype)
        if layout == "packed":
            pack(model)
        return read(model)[1].float()

    exact = logits("plain", torch.float32)
    for dtype in (torch.bfloat16, torch.float16):
        plain, fast = logits("plain", dtype), logits("packed", dtype)
        error = (plain - exact).abs().mean()
        assert (fast - exact).abs().mean() < 1.1 * error
        assert (fast - plain).abs().mean() < error


def test_weights_and_biases_can_still_be_looked_at(make_model: Callable[..., Any]) -> None:
    model, plain = make_model("gpt_neox"), make_model("gpt_neox")
    pack(model)
    for name, module in plain.named_modules():
        if isinstance(module, nn.Linear):
            found = model.get_submodule(name)
            assert isinstance(found, nn.Linear)
            assert torch.equal(found.weight, module.weight)
            assert module.bias is None or torch.equal(found.bias, module.bias)


def test_a_layer_used_twice_is_packed_once(make_model: Callable[..., Any]) -> None:
    model = make_model("gpt_neox")
    first, second = model.gpt_neox.layers[0].mlp, model.gpt_neox.layers[1].mlp
    second.dense_h_to_4h = first.dense_h_to_4h
    pack(model)
    assert second.dense_h_to_4h is first.dense_h_to_4h


def test_what_only_derives_from_a_linear_layer_stays() -> None:
    class Doubled(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    model = nn.Sequential(nn.Linear(3, 3), Doubled(3, 3))
    pack(model)
    assert isinstance(model[0], PackedLinear)
    assert type(model[1]) is Doubled


def test_the_cpu_decides_and_the_study_may_say_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for machine, capability, expected in (
        ("x86_64", "AVX512", "packed"),
        ("AMD64", "AVX2", "packed"),
        ("x86_64", "DEFAULT", "plain"),
        ("aarch64", "DEFAULT", "plain"),
    ):
        monkeypatch.setattr(packed.platform, "machine", lambda machine=machine: machine)
        monkeypatch.setattr(
            torch.backends.cpu, "get_cpu_capability", lambda capability=capability: capability
        )
        cpu, gpu = torch.device("cpu"), torch.device("cuda", 0)
        assert packed.chosen("auto", cpu) == expected
        assert packed.chosen("plain", cpu) == "plain"
        assert packed.chosen("packed", cpu) == "packed"
        assert {packed.chosen(linear, gpu) for linear in ("auto", "plain", "packed")} == {"plain"}


def test_bfloat16_is_multiplied_in_float32_where_the_cpu_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for able, expected in ((False, torch.float32), (True, torch.bfloat16)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda able=able: able)
        assert product_dtype(torch.bfloat16) == expected
        assert product_dtype(torch.float32) == torch.float32
        assert product_dtype(torch.float16) == torch.float32
