import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtopo.schedule import log_spaced_steps, total_steps


@given(last=st.integers(1, 10**6), count=st.integers(3, 200))
def test_steps_are_distinct_and_reach_from_0_over_1_to_the_last(last: int, count: int) -> None:
    steps = log_spaced_steps(last, count)
    assert steps == sorted(set(steps))
    assert steps[:2] == [0, 1]
    assert steps[-1] == last
    assert len(steps) == min(count, last + 1)


def test_late_steps_grow_by_a_constant_factor() -> None:
    steps = log_spaced_steps(100_000, 30)
    ratios = [later / earlier for earlier, later in zip(steps[-8:-1], steps[-7:], strict=True)]
    assert max(ratios) / min(ratios) < 1.01


def test_a_budget_pays_for_whole_steps_only() -> None:
    paid = {"tokens_per_step": 10, "flops_per_token": 5}
    assert total_steps(flops=149.0, tokens=None, **paid) == 2
    assert total_steps(flops=None, tokens=39.0, **paid) == 3
    assert total_steps(flops=49.0, tokens=None, **paid) == 0
    with pytest.raises(ValueError, match="flops or tokens"):
        total_steps(flops=None, tokens=None, **paid)
