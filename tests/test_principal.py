"""Principal components of a cloud."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from lmtopo.errors import InputError
from lmtopo.principal import principal


def cloud(points: int = 30, width: int = 8) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(points, width)) * np.arange(1, width + 1) + 5
    return x.astype(np.float32)


@given(points=st.integers(3, 20), width=st.integers(1, 20))
def test_all_components_keep_all_distances(points: int, width: int) -> None:
    x = cloud(points, width)
    found = principal(x, min(points - 1, width))
    np.testing.assert_allclose(pdist(found), pdist(x), rtol=1e-4, atol=1e-4)


def test_components_are_those_of_scikit_learn_up_to_sign() -> None:
    expected = PCA(3, svd_solver="full").fit_transform(cloud().astype(np.float64))
    found = principal(cloud(), 3)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-4, atol=1e-5)
    assert found.dtype == np.float32


def test_without_a_count_the_cloud_is_left_as_it_is() -> None:
    x = cloud()
    assert principal(x, None) is x


@pytest.mark.parametrize(("points", "width", "most"), [(30, 8, 8), (5, 8, 4)])
def test_more_components_than_there_are_is_an_error(points: int, width: int, most: int) -> None:
    principal(cloud(points, width), most)
    message = f"pca is {most + 1}, but {points} points in {width} dimensions have {most}"
    with pytest.raises(InputError, match=message):
        principal(cloud(points, width), most + 1)
