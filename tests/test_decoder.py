from collections.abc import Callable
from typing import Any

import pytest
import torch

from lmtopo.decoder import Decoder

ARCHITECTURES = ("gpt_neox", "gpt2", "llama", "gemma2", "opt", "olmo", "openai-gpt")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_layers_are_the_hidden_states_of_transformers(
    architecture: str, make_model: Callable[..., Any]
) -> None:
    model = make_model(architecture)
    ids = torch.randint(0, 300, (3, 20), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = model(ids, output_hidden_states=True).hidden_states
        decoder = Decoder(model)
        seen: dict[str, torch.Tensor] = {}
        decoder.body(ids, lambda layer, states: seen.update({layer: states.clone()}))
    assert list(seen) == decoder.layers == ["embedding", "block_1", "block_2", "final_norm"]
    torch.testing.assert_close(seen["embedding"], expected[0])
    torch.testing.assert_close(seen["block_1"], expected[1])
    # the last of transformers' hidden states is after the final norm, unlike the others
    torch.testing.assert_close(seen["final_norm"], expected[2])
    if architecture not in ("opt", "openai-gpt"):  # these end with their last block
        assert not torch.allclose(seen["block_2"], seen["final_norm"])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_body_then_head_are_the_whole_model(
    architecture: str, make_model: Callable[..., Any]
) -> None:
    model = make_model(architecture)
    ids = torch.randint(0, 300, (2, 17), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected = model(ids).logits
        decoder = Decoder(model)
        found = decoder.head(decoder.body(ids).flatten(0, 1))
    torch.testing.assert_close(found, expected.flatten(0, 1))
