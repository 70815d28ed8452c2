"""How many constants does rubber need? Ogden's flexible law against models of chain networks, on Treloar's data."""

import tomllib
from functools import partial
from pathlib import Path

import jax.numpy as jnp
import numpy as np

import qvar

DATA = Path(__file__).parent / "data" / "treloar1944.toml"

MODES = {"uniaxial": -0.5, "equibiaxial": -2.0, "pure_shear": -1.0}
"""Exponent of the stretch in the direction that is free of stress: volume is conserved."""

LONGEST = 56.0
"""First invariant less 3 of the longest stretch in the data, 55.0; a chain network must reach further."""


def case(
    noise: float = 0.05, seeds: int | None = None, n_starts: int | None = None, quick: bool = False
) -> qvar.Selection:
    """Fits stresses of vulcanized rubber, which was pulled along one axis, along two, and in pure shear (Treloar 1944).

    Constrained: neo-Hookean (1 constant), Mooney-Rivlin (2; Mooney 1940) and Gent's network of chains of limited length
    (2; Gent 1996). Generic: Ogden's sums of powers of the stretch (2, 4, 6 and 8 constants; Ogden 1972), which has
    several minima (Ogden, Saccomandi, Sgura 2004). A fit to some modes of deformation must predict the others: all data
    with a mode held out, data of one mode alone, and 18 of the points with simulated noise.

    Args:
        noise: Standard deviation of a stress, as a share of it; 0.01 MPa is added.
        seeds: Repetitions, bootstrap samples or draws of noise; 20 if not given, 6 with quick.
        n_starts: Random starts of each fit; 12 if not given, 4 with quick.
        quick: Fewer repetitions, starts and models, unless they are given: within 20 seconds.
    """
    qvar.require(noise > 0, "noise", "be positive", noise)
    x, stress = treloar()
    spread, mode = noise * stress + 0.01, np.argmin(np.abs(x["free"][:, None] - np.array(list(MODES.values()))), axis=1)

    def part(rows):
        return {name: column[rows] for name, column in x.items()}

    of_mode = [np.flatnonzero(mode == m) for m in range(3)]
    few = np.concatenate([own[np.linspace(0, len(own) - 1, 6).astype(int)] for own in of_mode])
    rest, one = np.setdiff1d(np.arange(len(mode)), few), mode == 0
    data = {
        "all data": qvar.MeasuredData(x, stress, noise=spread, groups=mode, coordinate=x["stretch"], axis="stretch"),
        "fitted to uniaxial data alone": qvar.MeasuredData(
            part(one), stress[one], noise=spread[one], test=(part(~one), stress[~one]),
            coordinate=x["stretch"][one], axis="stretch",
        ),
        "18 noisy points": qvar.SimulatedData(
            part(few), stress[few], noise=spread[few], levels=(1,), level_name="", groups=mode[few],
            test=(part(rest), stress[rest]), coordinate=x["stretch"][few], axis="stretch",
        ),
    }  # fmt: skip
    return qvar.Selection(
        models((1, 3) if quick else (1, 2, 3, 4)), data, seeds=(6 if quick else 20) if seeds is None else seeds,
        folds=0, n_starts=(4 if quick else 12) if n_starts is None else n_starts, unit="MPa",
    )  # fmt: skip


def treloar():
    """Return stretches with the exponent of the free direction, and stresses in MPa."""
    tables = tomllib.loads(DATA.read_text())
    factor = {"MPa": 1.0, "kg/cm^2": tables["kg_per_cm2_in_mpa"]}
    stretch = [np.array(tables[mode]["stretch"]) for mode in MODES]
    stress = [factor[tables[mode]["unit"]] * np.array(tables[mode]["stress"]) for mode in MODES]
    free = [np.full(len(part), exponent) for part, exponent in zip(stretch, MODES.values(), strict=True)]
    return {"stretch": np.concatenate(stretch), "free": np.concatenate(free)}, np.concatenate(stress)


def ogden_stress(mu, alpha, x):
    """Return the nominal stress of the energy sum of mu (a^alpha + b^alpha + c^alpha - 3) / alpha, a b c = 1."""
    stretch, free = x["stretch"], x["free"]
    return sum(m * (stretch ** (a - 1.0) - stretch ** (free * a - 1.0)) for m, a in zip(mu, alpha, strict=True))


def modulus(mu, alpha):
    """Return the shear modulus at small strain."""
    return 0.5 * sum(m * a for m, a in zip(mu, alpha, strict=True))


def ogden(n, theta, x):
    """Each term has a part of the modulus, which is positive, and an exponent."""
    alpha = [2.5 * theta[2 * k + 1] for k in range(n)]
    mu = [2.0 * 0.4 * jnp.exp(theta[2 * k]) / a for k, a in enumerate(alpha)]
    return ogden_stress(mu, alpha, x)


def mooney_rivlin(theta, x):
    """Exponents 2 and -2."""
    return ogden_stress([0.4 * theta[0], -0.4 * theta[1]], [2.0, -2.0], x)


def neo_hookean(theta, x):
    """Exponent 2 alone."""
    return ogden_stress([0.4 * theta[0]], [2.0], x)


def gent(theta, x):
    """The neo-Hookean stress, stiffened as the first invariant nears the limit of the chains."""
    stretch, free = x["stretch"], x["free"]
    middle = jnp.where(free == MODES["pure_shear"], 1.0, jnp.where(free == MODES["uniaxial"], stretch**-0.5, stretch))
    invariant = stretch**2 + middle**2 + (stretch * middle) ** -2.0 - 3.0
    limit = LONGEST + 20.0 * jnp.exp(theta[1])
    return neo_hookean(theta, x) * limit / (limit - invariant)


def models(orders) -> list[qvar.Candidate]:
    """Return all models, with Ogden's of some orders."""
    return [
        qvar.Candidate("neo-Hookean", neo_hookean, 1),
        qvar.Candidate("Mooney-Rivlin", mooney_rivlin, 2),
        qvar.Candidate("Gent", gent, 2),
        *(qvar.Candidate(f"Ogden {n}", partial(ogden, n), 2 * n, family="generic") for n in orders),
    ]


if __name__ == "__main__":
    qvar.launch(case)
