from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM, GPTNeoXConfig

from lmtopo import flops

PYTHIA = {
    "pythia-70m": (6, 512, 8, 50304, 18_915_328, 70_426_624),
    "pythia-160m": (12, 768, 12, 50304, 85_056_000, 162_322_944),
    "pythia-410m": (24, 1024, 16, 50304, 302_311_424, 405_334_016),
}


@pytest.mark.parametrize("name", PYTHIA)
def test_parameters_are_the_published_ones(name: str) -> None:
    layers, width, heads, vocabulary, without_embeddings, total = PYTHIA[name]
    config = GPTNeoXConfig(
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=heads,
        vocab_size=vocabulary,
        intermediate_size=4 * width,
    )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    assert flops.count_parameters(model) == (without_embeddings, total)
    assert flops.matrix_parameters(model) == flops.gpt_neox_matrix_parameters(
        width=width, layers=layers, mlp=4 * width
    )


@pytest.mark.parametrize("tied", [False, True])
def test_forward_and_backward_agree_with_pytorchs_counter(
    tied: bool, make_model: Callable[..., Any]
) -> None:
    model = make_model("gpt_neox", tie_word_embeddings=tied, attn_implementation="eager")
    ids = torch.zeros(3, 20, dtype=torch.long)
    shape = {
        "matrix_parameters": flops.gpt_neox_matrix_parameters(width=32, layers=2, mlp=64),
        "layers": 2,
        "width": 32,
        "vocabulary": 300,
        "context": 20,
    }
    with FlopCounterMode(display=False) as forward:
        loss = model(ids, labels=ids).loss
    assert forward.get_total_flops() == 60 * flops.forward_flops_per_token(**shape)
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    both = forward.get_total_flops() + backward.get_total_flops()
    assert both == 60 * flops.training_flops_per_token(**shape)


def test_learned_positions_are_embeddings(make_model: Callable[..., Any]) -> None:
    model = make_model("gpt2")
    without, total = flops.count_parameters(model)
    assert total - without == 300 * 32 + 64 * 32  # tied tokens, and 64 positions


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("llama", {"num_key_value_heads": 2}),
        ("qwen3", {"num_key_value_heads": 2, "head_dim": 16}),  # attention wider than the states
        ("mixtral", {"num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2}),
        ("olmoe", {"num_experts": 8, "num_experts_per_tok": 2}),
    ],
)
def test_forward_agrees_with_pytorchs_counter(architecture: str, changes: dict[str, Any]) -> None:
    config = AutoConfig.for_model(
        architecture,
        vocab_size=300,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=64,
        **changes,
    )
    config._experts_implementation = "eager"  # other kernels are not counted
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    with FlopCounterMode(display=False) as counted, torch.inference_mode():
        model(torch.zeros(3, 20, dtype=torch.long), use_cache=False)
    assert counted.get_total_flops() == 60 * flops.forward_flops_per_token(
        matrix_parameters=flops.matrix_parameters(model),
        layers=2,
        width=32,
        vocabulary=300,
        context=20,
        attention=flops.attention_width(config),
    )


def test_blocks_without_attention_have_none() -> None:
    few = {"hidden_size": 32, "num_hidden_layers": 7, "num_attention_heads": 4}
    mixed = AutoConfig.for_model("recurrent_gemma", **few, head_dim=12)
    assert flops.attention_width(mixed) == 2 * 48
    both = AutoConfig.for_model("falcon_h1", **few, head_dim=12)
    assert flops.attention_width(both) == 7 * 48
    for name in ("mamba", "mamba2", "falcon_mamba", "rwkv"):
        assert flops.attention_width(AutoConfig.for_model(name)) == 0
