from __future__ import annotations

import itertools

import numpy as np
import pytest

from qvar import basis
from qvar.basis.continuation import stages

CONTRACTED = basis.free("H", s=3, contracted=True)


def counts(form):
    return [stage.n_params for stage in stages(form)]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (basis.free("Ne", s=8, p=4), [4, 6, 8, 10, 12]),  # 2+2, 3+3, 4+4, 6+4, 8+4
        (basis.free("Ne", s=3), [2, 3]),
        (basis.free("Ne", s=2, p=1), [3]),
        (basis.even_tempered("Ne", s=18, p=13), [4]),
        (basis.legendre("Ne", terms=4, s=18), [2, 3, 4]),
        (basis.well_tempered("Ne", s=18), [2, 4]),
        (CONTRACTED, [5]),
        (basis.sto_ng("Ne"), [2]),
        (basis.free("Ne", s=5).frozen("s"), [0]),
        (basis.free("Ne", s=5) + basis.sto_ng("H"), [3, 4, 5, 6]),
    ],
)
def test_parameters_of_the_stages(form, expected):
    assert counts(form) == expected
    assert stages(form)[-1] is form


@pytest.mark.parametrize(
    "form", [basis.free("Ne", s=8, p=4, ratio=1.0), basis.legendre("Ne", terms=5, s=9), basis.well_tempered("Ne", s=9)]
)
def test_each_stage_contains_the_one_before(form):
    steps = stages(form)
    for before, after in itertools.pairwise(steps):
        given = before.basis(np.asarray(before.start) + 0.1)
        found = after.basis(after.nearest(given))
        for mine, theirs in zip(found.of("Ne"), given.of("Ne"), strict=True):
            np.testing.assert_allclose(np.sort(mine.exponents), np.sort(theirs.exponents), rtol=1e-10)


def test_the_first_stage_is_even_tempered_and_keeps_the_ratio():
    first = stages(basis.free("Ne", s=6, ratio=1.8))[0]
    steps = np.diff(np.log(first.basis([0.3, -60.0]).of("Ne")[0].exponents))
    np.testing.assert_allclose(steps, np.log(1.8), rtol=1e-12)


def test_stages_begin_where_the_form_begins():
    start = [-1.0, 0.2, 0.9, 0.4, 1.3]
    form = basis.free("Ne", s=5).starting(start)
    slope, offset = np.polyfit(np.arange(5), np.log(form.basis(start).of("Ne")[0].exponents), 1)
    first = stages(form)[0]
    exponents = first.basis(first.start).of("Ne")[0].exponents
    np.testing.assert_allclose(np.log(exponents), offset + slope * np.arange(5), rtol=1e-12)


def test_names_contain_the_stage():
    assert [stage.name for stage in stages(basis.free("Ne", s=5))] == [
        "free 5s, even-tempered stage",
        "free 5s, Legendre 3 stage",
        "free 5s, Legendre 4 stage",
        "free 5s",
    ]
