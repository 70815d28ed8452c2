"""Carbon uptake of a forest: a canopy of leaves, or light-use efficiency?"""

from functools import partial

import jax.numpy as jnp
import numpy as np

import qvar

COMPENSATION = 42.75
"""CO2 at which uptake ends at 25 C, umol/mol: Bernacchi et al., Plant Cell Environ. 24, 253 (2001)."""

MICHAELIS = 404.9 * (1.0 + 210.0 / 278.4)
"""Kc (1 + O / Ko) at 25 C, umol/mol, of the same paper, with 210 mmol/mol oxygen."""

EXACT = {"Vcmax": 50.0, "Jmax": 100.0, "yield": 0.24, "g1": 4.0, "extinction": 0.5, "decline": 0.25, "curvature": 0.85}
"""Exact canopy. Vcmax and Jmax of the top leaves (umol/m2/s), electrons per photon, g1 (kPa^0.5) and curvature are the
defaults of plantecophys, Duursma, PLoS ONE 10, e0143346 (2015). Per leaf area light falls by exp(-0.5) (leaves of all
directions alike, Ross 1981), both capacities by exp(-0.25) (chosen)."""

CENTRE = {"Vcmax": 60.0, "Jmax": 80.0, "yield": 0.3, "g1": 3.0, "extinction": 0.6, "decline": 0.2, "curvature": 0.8}
"""Centre of the starts, with a standard deviation of 0.6 in the logarithm."""

NOISE = (2.48, 0.08, 0.5, 0.05)
"""Standard deviation of a half-hourly flux, umol/m2/s, and its rise per flux (Haslwanter et al., Agric. Forest Meteor.
149, 291 (2009), figure 5); of a leaf's uptake (limit of stability, manual of LI-COR's LI-6400); of shares (chosen)."""

EFFICIENCY = 1.526 / 12.011 / 4.6
"""CO2 per absorbed photon of deciduous broadleaf forest: 1.526 gC/MJ in MODIS's table of biomes (Heinsch et al., User's
Guide of MOD17, 2003), 4.6 umol photons per J."""

POINTS, WEIGHTS = np.array(np.polynomial.legendre.leggauss(8))[:, None] / 2.0
"""Gauss-Legendre sum over the leaf area."""

LEAVES = {
    "leaf_light": np.array([1500.0] * 10 + [50, 100, 200, 300, 500, 800, 1200, 1800] + [1500] * 4),
    "leaf_inside": np.array([50.0, 100, 150, 200, 300, 400, 600, 800, 1000, 1200] + [280] * 8 + [150, 300, 600, 1000]),
    "leaf_above": np.array([0.0] * 18 + [4.0] * 4),
    "stomata_deficit": np.array([0.5, 1.0, 1.5, 2.0, 3.0]),
    "profile_above": np.array([0.5, 1.0, 2.0, 3.0, 4.0]),
}
"""Measurements on leaves: light, CO2 inside, leaf area above; of CO2 inside over outside; of light below leaves."""

NAMES = {1: "efficiency", 2: "efficiency, light", 3: "efficiency, light, humidity"}
USUAL = {"seeds": 20, "repeats": (1, 10, 100)}
QUICK = {"seeds": 6, "repeats": (1, 100)}


def case(
    conditions: int = 12, repeats: tuple[int, ...] = (), seeds: int | None = None, quick: bool = False
) -> qvar.Selection:
    """Fits carbon uptake that is simulated as measured above a forest, and predicts it in drier air with more CO2.

    Generic: a canopy of leaves with seven parameters: photosynthesis of Farquhar et al. (1980), light by Beer's law,
    stomata of Medlyn et al. (2011). Constrained: efficiency times absorbed light, with one to three parameters
    (Monteith 1972; MODIS). First only light and leaf area are known; then humidity besides, and gas exchange of single
    leaves and light below them are measured, of which an efficiency says nothing. The error is that of the uptake if
    the deficit of vapour pressure is 1.5 times as large, at 500 umol/mol CO2 instead of 400. All at 25 C.

    Args:
        conditions: Number of fluxes, each at another light, leaf area and humidity.
        repeats: Half-hours over which each flux is averaged, and leaves over which a measurement on leaves is; 1, 10
            and 100 if not given.
        seeds: Repetitions of all measurements; 20 if not given, 6 with quick.
        quick: Fewer repetitions, repeats and models, unless they are given: within 20 seconds.
    """
    usual = QUICK if quick else USUAL
    qvar.require(conditions >= 8, "conditions", "be at least 8", conditions)
    now, later = weather(conditions, 1, 1.0, 400.0), weather(100, 2, 1.5, 500.0)
    theta = np.array([*[np.log(EXACT[name] / CENTRE[name]) / 0.6 for name in EXACT][:-1], np.log(0.85 / 0.15 / 4.0)])
    truth, future = (np.asarray(canopy(theta, x)) for x in (now | LEAVES, later))
    flux, noise = truth[:conditions], np.repeat(NOISE[2:], [len(LEAVES["leaf_light"]), 10])
    noise = np.concatenate([NOISE[0] + NOISE[1] * flux, noise])
    noon = {"light": 1500.0, "area": 4.0, "deficit": 1.5, "co2": 500.0}
    quantities = {"uptake at noon": float(canopy(theta, noon)[0]), "Vcmax": EXACT["Vcmax"], "g1": EXACT["g1"]}
    more = {"levels": repeats or usual["repeats"], "level_name": "repeats", "quantities": quantities}
    data = {
        "light and leaf area": qvar.SimulatedData(
            now | {"deficit": np.ones(conditions)}, flux, noise=noise[:conditions],
            test=(later | {"deficit": np.ones(100)}, future), **more,
        ),
        "also humidity and leaves": qvar.SimulatedData(now | LEAVES, truth, noise=noise, test=(later, future), **more),
    }  # fmt: skip
    uptake = lambda model: {"uptake at noon": lambda theta: model(theta, noon)[0]}  # noqa: E731
    models = [(name, partial(efficiency, n), n) for n, name in NAMES.items() if n == 2 or not quick]
    models = [qvar.Candidate(*one, quantities=uptake(one[1])) for one in models]
    values = {name: lambda theta, name=name: parameters(theta)[name] for name in ("Vcmax", "g1")} | uptake(canopy)
    models.append(qvar.Candidate("canopy", canopy, len(EXACT), family="generic", quantities=values))
    settings = {"seeds": usual["seeds"] if seeds is None else seeds, "n_starts": 2 if quick else 4}
    return qvar.Selection(models, data, folds=0, error=0.5, unit="umol/m2/s", **settings)


def weather(n, seed, dryness, co2):
    """Return light (umol/m2/s), leaf area, deficit of vapour pressure (kPa) and CO2 (umol/mol) at n times."""
    random = np.random.default_rng(seed)
    x = {"light": random.uniform(100.0, 1800.0, n), "area": random.uniform(1.5, 5.0, n), "co2": np.full(n, co2)}
    return x | {"deficit": dryness * random.lognormal(0.1, 0.5, n).clip(0.3, 3.5)}


def parameters(theta):
    """Return the canopy's parameters; each but the last is positive, the last lies between 0 and 1."""
    named = {name: value * jnp.exp(0.6 * theta[i]) for i, (name, value) in enumerate(CENTRE.items())}
    return named | {"curvature": 1.0 / (1.0 + jnp.exp(-theta[6]) / 4.0)}


def leaf(p, light, inside, above):
    """Return the uptake of a leaf: the smaller of what Rubisco and what light allow (Farquhar et al., Planta 149)."""
    capacity = jnp.exp(-p["decline"] * above)
    electrons, most = p["yield"] * light, p["Jmax"] * capacity
    root = jnp.sqrt((electrons - most) ** 2 + 4.0 * (1.0 - p["curvature"]) * electrons * most)
    rate = (electrons + most - root) / (2.0 * p["curvature"])
    rubisco = p["Vcmax"] * capacity / (inside + MICHAELIS)
    return (inside - COMPENSATION) * jnp.minimum(rubisco, rate / (4.0 * inside + 8.0 * COMPENSATION))


def stomata(p, deficit):
    """Return CO2 inside over CO2 outside, which open as Medlyn et al. found (Glob. Change Biol. 17)."""
    return p["g1"] / (p["g1"] + jnp.sqrt(deficit))


def canopy(theta, x):
    """Return the uptake of all leaves; if there are measurements on leaves, also those."""
    p = parameters(theta)
    columns = x["area"], x["light"], x["co2"] * stomata(p, x["deficit"])
    area, light, inside = (jnp.reshape(column, (-1, 1)) for column in columns)
    above = area * (POINTS + 0.5)
    absorbed = p["extinction"] * light * jnp.exp(-p["extinction"] * above)
    fluxes = jnp.sum(WEIGHTS * area * leaf(p, absorbed, inside, above), axis=1)
    if "leaf_light" not in x:
        return fluxes
    leaves = leaf(p, x["leaf_light"], x["leaf_inside"], x["leaf_above"])
    shares = stomata(p, x["stomata_deficit"]), jnp.exp(-p["extinction"] * x["profile_above"])
    return jnp.concatenate([fluxes, leaves, *shares])


def efficiency(n, theta, x):
    """Return efficiency times absorbed light; much light saturates it if n > 1, dry air lowers it if n > 2."""
    light = jnp.atleast_1d(x["light"])
    fluxes = EFFICIENCY * jnp.exp(0.5 * theta[0]) * light * (1.0 - jnp.exp(-0.5 * x["area"]))
    if n > 1:
        fluxes = fluxes / (1.0 + light / (1000.0 * jnp.exp(theta[1])))
    if n > 2:
        width = 2.25 * jnp.exp(0.5 * theta[2])  # 0.65 kPa and 2.9 kPa at the start, of MODIS's table
        fluxes = fluxes * jnp.clip(1.0 - (x["deficit"] - 0.65) / width, 0.0, 1.0)
    return jnp.concatenate([fluxes, jnp.zeros(32 if "leaf_light" in x else 0)])


if __name__ == "__main__":
    qvar.launch(case)
