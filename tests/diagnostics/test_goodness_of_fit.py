"""p-values of the goodness of fit, on laws that hold: they must be as rare as they say."""

from __future__ import annotations

import numpy as np
import pytest

from qvar.diagnostics.goodness_of_fit import law_test

SIZES = np.array([4.0, 6.0, 8.0, 10.0, 12.0])
EXPERIMENTS = 1000


@pytest.mark.parametrize(("law", "exact"), [("exponential", -0.7 * SIZES), ("power", -2.0 * np.log(SIZES))])
@pytest.mark.parametrize("scatter", [1.0, 2.0])
def test_a_law_that_holds_is_seldom_refused(law: str, exact: np.ndarray, scatter: float) -> None:
    """Share of p-values below 0.05, if errors are what they claim to be, and if the scatter is twice as large."""
    rng = np.random.default_rng(3)
    errors = np.full(len(SIZES), 0.1)
    tests = [
        law_test(SIZES, exact + scatter * errors * rng.normal(size=len(SIZES)), errors, law) for _ in range(EXPERIMENTS)
    ]
    careful = np.mean([one.careful < 0.05 for one in tests])
    assert careful <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / EXPERIMENTS)
    sampling = np.mean([one.sampling < 0.05 for one in tests])
    if scatter == 1.0:
        assert sampling <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / EXPERIMENTS)
        assert sampling >= 0.01  # it can refuse at all
