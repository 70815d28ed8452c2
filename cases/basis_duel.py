"""Free exponents against a few numbers: which form of a Gaussian basis set is the best for an atom."""

from collections.abc import Callable
from math import comb
from typing import Any, Literal

import qvar
from qvar import basis

LEGENDRE = (3, 4, 6)
"""Terms of the Legendre forms."""

MOST_STATES = 100_000
"""Determinants that full configuration interaction may have; more take minutes for each energy."""


def case(
    element: str = "Ne",
    s: int | None = None,
    p: int | None = None,
    d: int = 0,
    seeds: int | None = None,
    theory: Literal["rhf", "rohf", "uhf", "fci"] | None = None,
    limit: float | None = None,
    baselines: tuple[str, ...] = (),
    seed: int = 0,
    gradients: int = 500,
    quick: bool = False,
) -> basis.BasisDuel:
    """Fits even-tempered, well-tempered, Legendre and free exponents to an atom, with published sets beside them.

    Every exponent is a function of its own. Errors are counted from the Hartree-Fock limit, in hartree.

    Args:
        element: Symbol of the atom.
        s: Number of s exponents; 8 if not given, 5 with quick.
        p: Number of p exponents; if not given, 4 for elements with p electrons, 3 with quick, and none for others.
        d: Number of d exponents.
        seeds: Starts of each form, 4 if not given, 2 with quick; the first is the form's own, the others are random.
        theory: What gives the energy; rhf, or rohf with unpaired electrons, if not given.
        limit: Energy that errors are counted from, in hartree; the Hartree-Fock limit where it is known.
        baselines: Published sets beside those of equal size, by their names in the Basis Set Exchange; with
            " uncontracted" at the end each primitive is a function of its own.
        seed: Number that the random starts are drawn with.
        gradients: Budget of each stage of each start, in evaluations of energy and gradient.
        quick: Even-tempered, Legendre 3 and free exponents alone, fewer of them and fewer starts unless they are
            given: half a minute.
    """
    symbol = basis.symbol_of(element)
    spin = basis.unpaired_electrons(symbol)
    if s is None:
        s = 5 if quick else 8
    if p is None:
        p = (3 if quick else 4) if basis.nuclear_charge(symbol) >= 5 else 0
    if seeds is None:
        seeds = 2 if quick else 4
    for name, count in (("s", s), ("p", p), ("d", d)):
        qvar.require(count >= 0, name, "not be negative", count)
    counts: dict[str, Any] = {letter: count for letter, count in (("s", s), ("p", p), ("d", d)) if count}
    target = basis.Target(f"{symbol} 0 0 0", theory=theory or "", spin=spin)
    forms = _forms(symbol, counts, quick)
    if limit is None and (theory in (None, "rhf", "rohf") or symbol == "H"):
        limit = basis.HARTREE_FOCK_LIMITS.get(symbol)
    more: list[str | basis.Baseline] = [*dict.fromkeys([*basis.sets_of_size(forms[-1]), *baselines])]
    if theory == "fci":
        functions = forms[-1].basis(forms[-1].start).n_functions(symbol)
        up = (basis.nuclear_charge(symbol) + spin) // 2
        states = comb(functions, up) * comb(functions, up - spin)
        qvar.require(states <= MOST_STATES, "theory", f"be another one for {functions} functions of {symbol}", theory)
        more = [one for one in more if basis.published_set(str(one), [symbol]).n_functions(symbol) <= functions]
        more.append(basis.casscf_baseline(target, functions))
    return basis.BasisDuel(
        target,
        forms,
        seeds=seeds,
        budget=qvar.Budget(gradients=gradients),
        seed=seed,
        reference=limit,
        baselines=more,
    )


def _forms(element: str, counts: dict[str, Any], quick: bool) -> list[basis.Form]:
    """The forms that differ at these sizes, those with the fewest parameters first."""
    most = max(counts.values(), default=0)
    forms = []
    if most > 2:
        forms.append(_law(basis.even_tempered, 2, element, counts))
    if most > 4 and not quick:
        forms.append(_law(basis.well_tempered, 4, element, counts))
    forms += [
        basis.legendre(element, terms=terms, **counts)
        for terms in LEGENDRE[: 1 if quick else None]
        if terms < most
    ]  # fmt: skip
    return [*forms, basis.free(element, **counts)]


def _law(maker: Callable[..., basis.Form], n_params: int, element: str, counts: dict[str, Any]) -> basis.Form:
    """A form whose law has so many parameters for each angular momentum, and no more than there are exponents."""
    many = {letter: count for letter, count in counts.items() if count > n_params}
    few = {letter: count for letter, count in counts.items() if count <= n_params}
    whole = maker(element, **counts)
    if not few:
        return whole
    return (maker(element, **many) + basis.legendre(element, terms=n_params, **few)).named(whole.name)


if __name__ == "__main__":
    qvar.launch(case)
