"""Crystals that lie flat: one parameter for their orientations, or a series of spherical harmonics?"""

from functools import partial
from itertools import product
from typing import Literal

import jax.numpy as jnp
import numpy as np
from scipy.special import erf, sph_harm_y

import qvar

A, C, OXYGEN = 4.989, 17.062, 0.2593
"""Calcite: cell in angstrom (R-3c, hexagonal axes), Ca at (0, 0, 0), C at (0, 0, 1/4), O at (0.2593, 0, 1/4): Sass,
Vidale, Donohue, Acta Cryst. 10, 567 (1957)."""

CALCIUM, CARBON, OXYGENS = 4.70, 6.6460, 5.803  # scattering lengths in fm: Sears, Neutron News 3, 26 (1992)
WAVELENGTH = 1.54  # of the neutrons, in angstrom

DENSITIES = {
    "march": ("March's texture", lambda x: march(0.6, x["flat"]).mean(axis=1)),
    "two": ("two kinds of planes", lambda x: 0.5 * (march(0.5, x["flat"]) + march(0.5, x["upright"])).mean(axis=1)),
    "cone": ("tilted crystals", lambda x: cone(x["flat"]).mean(axis=1)),
}
"""Exact textures: name and pole density, the mean over equivalent planes."""

USUAL = {"seeds": 16, "peaks": (21, 10), "counts": (300, 3000, 30_000), "orders": (2, 4, 6, 8, 10, 12)}
QUICK = {"seeds": 6, "peaks": (21,), "counts": (300, 30_000), "orders": (2, 6, 10)}


def case(
    textures: tuple[Literal["march", "two", "cone"], ...] = ("march", "two", "cone"),
    peaks: tuple[int, ...] = (),
    counts: tuple[int, ...] = (),
    orders: tuple[int, ...] = (),
    seeds: int | None = None,
    quick: bool = False,
) -> qvar.Selection:
    """Fits the peaks of a pressed calcite powder, whose crystals lie on their cleavage planes (104).

    Constrained: the density of March and Dollase, with one parameter r, or crystals on two kinds of planes, with three.
    Generic: spherical harmonics of the crystal's symmetry, of orders 2 to 12, with 1, 3, 6, 9, 13 and 18 parameters.
    Each model has a scale besides. The error is that of the pole density (1 without texture) of planes whose peaks
    were not measured. Dollase, J. Appl. Cryst. 19, 267 (1986); Jarvinen, J. Appl. Cryst. 26, 525 (1993).

    Args:
        textures: Exact textures: march, r = 0.6; two, half of the crystals on (104) and half on (001), r = 0.5; cone,
            half of the crystals tilted by 35 degrees.
        peaks: Numbers of peaks, at most the 21 that no other peak covers; 21 and 10 if not given, 21 with quick.
        counts: Mean counts of the highest peak without texture; 300, 3000 and 30000 if not given.
        orders: Highest orders of the harmonics, even; 2 to 12 if not given.
        seeds: Repetitions of the measurement; 16 if not given, 6 with quick.
        quick: Fewer repetitions, peaks, counts and orders, unless they are given: within 20 seconds.
    """
    usual = QUICK if quick else USUAL
    qvar.require(all(n in USUAL["orders"] for n in orders), "orders", "hold even numbers from 2 to 12", orders)
    qvar.require(all(3 <= n <= 21 for n in peaks), "peaks", "hold numbers from 3 to 21", peaks)
    rest, flat = powder(21) | {"height": 1.0}, powder(1, 2) | {"height": 1.0}  # the second peak is (104)
    data = {}
    for number, texture in product(peaks or usual["peaks"], textures):
        (name, exact), some = DENSITIES[texture], powder(0, number)
        known = {"density of (104)": float(exact(flat)[0])} | ({"r": 0.6} if texture == "march" else {})
        data[f"{name}, {number} peaks"] = qvar.SimulatedData(
            some, some["height"] * exact(some), noise="poisson", levels=counts or usual["counts"],
            level_name="counts", test=(rest, exact(rest)), quantities=known,
        )  # fmt: skip
    density = lambda model: {"density of (104)": lambda theta: model(theta[1:], flat)[0]}  # noqa: E731
    r = {"r": lambda theta: 0.7 * jnp.exp(0.3 * theta[1])}
    one, two, many = (partial(peaks_of, model) for model in (one_axis, two_axes, harmonics))
    candidates = [qvar.Candidate("March-Dollase", one, 2, quantities=density(one_axis) | r)]
    candidates += [qvar.Candidate("March-Dollase, two axes", two, 4, quantities=density(two_axes))]
    more = {"family": "generic", "quantities": density(harmonics)}
    for order in orders or usual["orders"]:
        number = 1 + sum(degree // 3 + 1 for degree in range(2, order + 1, 2))
        candidates.append(qvar.Candidate(f"harmonics to {order}", many, number, **more))
    return qvar.Selection(candidates, data, seeds=usual["seeds"] if seeds is None else seeds, folds=0, n_starts=3)


def march(r, cosine):
    """Return March's density of axes at an angle from the pressing direction; its mean over the sphere is 1."""
    return (r**2 * cosine**2 + (1.0 - cosine**2) / r) ** -1.5


def cone(cosine, middle=0.82, width=0.12):
    """Return a density of which one half is a Gaussian of the cosine about 35 degrees, the other uniform."""
    mean = width * np.sqrt(np.pi / 2) * (erf((1.0 - middle) / width / np.sqrt(2)) + erf(middle / width / np.sqrt(2)))
    return 0.5 + 0.5 * np.exp(-((np.abs(cosine) - middle) ** 2) / (2.0 * width**2)) / mean


def peaks_of(model, theta, x):
    """Return heights of peaks, over the highest one without texture; theta begins with the logarithm of the scale."""
    return jnp.exp(theta[0]) * x["height"] * model(theta[1:], x)


def one_axis(theta, x):
    """Return the mean density of equivalent planes; starts have r about 0.7, for crystals that are known to be flat."""
    return march(0.7 * jnp.exp(0.3 * theta[0]), x["flat"]).mean(axis=1)


def two_axes(theta, x):
    """Return the density of crystals on (104) and of others on (001)."""
    share = 1.0 / (1.0 + jnp.exp(-theta[2]))
    return share * one_axis(theta, x) + (1.0 - share) * march(0.7 * jnp.exp(0.3 * theta[1]), x["upright"]).mean(axis=1)


def harmonics(theta, x):
    """Return a series of harmonics, kept positive."""
    return 0.02 * jnp.logaddexp((1.0 + 0.1 * x["harmonics"][:, : len(theta)] @ theta) / 0.02, 0.0)


def equivalents(h, k, l):
    """Return the 12 equivalent planes of the Laue group -3m, special ones several times, (12, 3)."""
    i = -h - k
    planes = np.array([(h, k, l), (k, i, l), (i, h, l), (k, h, -l), (h, i, -l), (i, k, -l)])
    return np.concatenate([planes, -planes])


def normals(planes):
    """Return unit vectors perpendicular to planes, and the spacings in angstrom."""
    h, k, l = np.moveaxis(np.asarray(planes, float), -1, 0)
    vectors = np.stack([h / A, (h + 2.0 * k) / (np.sqrt(3.0) * A), l / C], axis=-1)
    lengths = np.linalg.norm(vectors, axis=-1)
    return vectors / lengths[..., None], 1.0 / lengths


def structure_factor(h, k, l):
    """Return the structure factor of a primitive cell in fm; 0 of planes that the centring extinguishes."""
    oxygens = sum(np.cos(2.0 * np.pi * (place * OXYGEN + l / 4)) for place in (h, k, -h - k))
    cell = CALCIUM * (1.0 + np.cos(np.pi * l)) + 2.0 * CARBON * np.cos(np.pi * l / 2) + 2.0 * OXYGENS * oxygens
    return cell if (l + k - h) % 3 == 0 else 0.0


def powder(start, stop=None):
    """Return heights of some peaks without texture, cosines of the planes' angles to two axes, and harmonics."""
    rows = {}
    for plane in product(range(-6, 7), range(-6, 7), range(20)):
        planes = equivalents(*plane)
        sine = WAVELENGTH / 2.0 / normals(plane)[1] if any(plane) else 1.0
        if sine < 0.9:
            strength = len(np.unique(planes, axis=0)) * structure_factor(*plane) ** 2
            rows[min(map(tuple, planes))] = (sine, strength / (sine * np.sin(2.0 * np.arcsin(sine))), planes)
    highest = max(height for _, height, _ in rows.values())
    kept = sorted((row for row in rows.values() if row[1] > 0.01 * highest), key=lambda row: row[0])[start:stop]
    units = normals([planes for _, _, planes in kept])[0]
    angles = np.arccos(units[..., 2]), np.arctan2(units[..., 1], units[..., 0])
    waves = [(m, sph_harm_y(n, m, *angles).mean(axis=1)) for n in range(2, 13, 2) for m in range(0, n + 1, 3)]
    waves = np.sqrt(4.0 * np.pi) * np.array([wave.imag if m % 2 else wave.real for m, wave in waves])  # no other part
    x = {"height": np.array([height / highest for _, height, _ in kept]), "harmonics": waves.T}
    return x | {"flat": units @ normals((1, 0, 4))[0], "upright": units[..., 2]}


if __name__ == "__main__":
    qvar.launch(case)
