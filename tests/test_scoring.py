import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from lmtopo import memory
from lmtopo.decoder import Decoder
from lmtopo.errors import InputError
from lmtopo.formats.probes import Reading
from lmtopo.scoring import GPU_LOGITS, MANY_LOGITS, ROWS, rows_at_once, score
from lmtopo.windows import stream, windows


def reading(tokens: int, context: int) -> Reading:
    order = torch.Generator().manual_seed(0)
    ids = torch.randint(1, 300, (tokens,), generator=order).tolist()
    made = stream([ids], 0)
    return Reading(made, windows(made, context=context, stride=context), {})


@pytest.mark.parametrize("vocabulary", [257, 50_304, 256_000, 4_000_000, 20_000_000])
def test_logits_held_at_once_are_bounded_whatever_the_vocabulary(vocabulary: int) -> None:
    rows = rows_at_once(vocabulary, torch.device("cpu"))
    assert rows == 1 or rows * vocabulary <= MANY_LOGITS
    on_gpu = rows_at_once(vocabulary, torch.device("cuda", 0))
    assert rows <= on_gpu <= max(1, GPU_LOGITS // vocabulary)
    assert rows >= ROWS or vocabulary > MANY_LOGITS // ROWS


def test_the_size_of_a_batch_does_not_change_the_sum(make_model: Callable[..., Any]) -> None:
    decoder, whole = Decoder(make_model("gpt_neox")), reading(200, 32)
    with torch.inference_mode():
        one_by_one = score(decoder, whole, 1)
        assert score(decoder, whole, 16) == pytest.approx(one_by_one, rel=1e-6)


@pytest.mark.slow
def test_a_batch_that_does_not_fit_names_the_size_that_does(
    make_model: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = make_model("gpt_neox", num_hidden_layers=1, intermediate_size=8192)
    decoder, whole = Decoder(wide), reading(64 * 128, 64)
    monkeypatch.setattr(memory, "available", lambda: 170 * 2**20)
    with torch.inference_mode():
        with pytest.raises(InputError, match="128 windows of 64 tokens at once need more") as error:
            score(decoder, whole, 128)  # 8,192 tokens x 8,192 x 4 bytes x 2
        [named] = re.findall(r"(\d+) fit", str(error.value))
        assert 1 <= int(named) < 64
        fitting = score(decoder, whole, int(named))
        monkeypatch.undo()
        assert score(decoder, whole, 128) == pytest.approx(fitting, rel=1e-6)


@pytest.mark.slow
def test_where_not_even_one_window_fits_it_is_said(
    make_model: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = make_model("gpt_neox", num_hidden_layers=1, intermediate_size=2**20)
    decoder = Decoder(wide)
    monkeypatch.setattr(memory, "available", lambda: 60 * 2**20)
    with torch.inference_mode(), pytest.raises(InputError, match="not even one fits"):
        score(decoder, reading(256, 64), 2)


def test_other_errors_keep_their_words(make_model: Callable[..., Any]) -> None:
    decoder = Decoder(make_model("gpt_neox", vocab_size=100))
    with torch.inference_mode(), pytest.raises(IndexError):
        score(decoder, reading(100, 32), 4)
