"""Trained angles as the start elsewhere: along a bond, in a larger basis or space, in a neighbour, in more layers."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import jax

import qvar

USUAL = {"distances": (0.05, 0.2, 0.5, 1.0), "seeds": 12, "gradients": 1000}
QUICK = {"distances": (0.1, 0.5), "seeds": 3, "gradients": 150}
WATER = "O 0 0 0.117; H 0 0.757 -0.469; H 0 -0.757 -0.469"
SULFIDE = "S 0 0 0.1; H 0 0.97 -0.82; H 0 -0.97 -0.82"
LITHIUM = "Li 0 0 0; H 0 0 1.6"

Made: TypeAlias = tuple[str, qvar.Problem, Callable[..., qvar.Ansatz], qvar.Problem, Callable[..., qvar.Ansatz]]
"""Label, problem and circuit that are trained, and those that start at the angles."""


def case(
    to: Literal["bond", "basis", "space", "molecule", "layers"] = "bond",
    atoms: int = 4,
    bond: float = 1.0,
    distances: tuple[float, ...] = (),
    start_noise: float = 0.01,
    seeds: int | None = None,
    gradients: int | None = None,
    quick: bool = False,
) -> qvar.Paired:
    """Trains a circuit, then starts another one at its angles; by default UCCSD on a chain of hydrogen atoms.

    To other bond lengths there are three ways. Everything: all angles are trained again from where they were. Adapter:
    they are held, and a block of one layer of tUPS behind the circuit, which begins as the identity, is trained alone.
    Random start: all angles from small random ones. In neural networks adapters are small layers that are trained
    inside a large network which is held (Houlsby et al. 2019).

    Elsewhere the circuit begins at the carried angles or at zero: in the basis set 6-31G after STO-3G, in a larger
    active space, in a neighbouring molecule whose orbitals are matched by their overlaps, and with one layer more.
    Everything is compared seed by seed.

    Args:
        to: Change: other bond lengths, or a larger basis set or active space, a neighbouring molecule, or a further
            layer.
        atoms: Number of atoms of the chain.
        bond: Bond length of the trained circuit on the chain, in angstrom.
        distances: Changes of the bond length, in angstrom; 0.05, 0.2, 0.5 and 1 if not given, 0.1 and 0.5 with quick.
        start_noise: Standard deviation of the noise on every start, in radians, by which seeds differ.
        seeds: Number of starts of each way; 12 if not given, 3 with quick.
        gradients: Budget of each start, in evaluations; 1000 if not given, 150 with quick.
        quick: Fewer distances, changes and starts and a smaller budget, unless they are given: within a minute.
    """
    usual = QUICK if quick else USUAL
    chain = qvar.hydrogen_chain(atoms, bond)
    ways = (
        _elsewhere(to, chain, quick) if to != "bond" else _along_the_bond(atoms, bond, distances or usual["distances"])
    )
    return qvar.Paired(
        chain,
        ways,
        start_noise=start_noise,
        seeds=usual["seeds"] if seeds is None else seeds,
        budget=qvar.Budget(gradients=usual["gradients"] if gradients is None else gradients),
    )


def _trained(problem: qvar.Problem, ansatz: qvar.Ansatz):
    """Return the best angles of four starts of a circuit."""
    objective = qvar.energy(problem, ansatz)
    ends = qvar.minimize_batch(objective, objective.initial_batch(jax.random.key(0), 4))
    return min(ends, key=lambda end: end.value).theta


def _along_the_bond(atoms: int, bond: float, distances: tuple[float, ...]) -> list[qvar.Way]:
    """Return three ways for each change of the bond length."""
    trained_on = qvar.hydrogen_chain(atoms, bond)
    source = qvar.uccsd(trained_on).with_start("zero")
    theta = qvar.minimize(qvar.energy(trained_on, source), key=jax.random.key(0)).theta
    ways = []
    for distance in distances:
        problem = qvar.hydrogen_chain(atoms, bond + distance)
        own = qvar.transfer(source, theta, qvar.uccsd(problem)).ansatz
        adapter = own.freeze(theta).then(qvar.tups(problem, layers=1)).with_start("zero")
        everything = f"everything at {distance:g}"
        for name, ansatz, against in (
            (everything, own, ""),
            (f"adapter at {distance:g}", adapter, everything),
            (f"random start at {distance:g}", own.with_start("gaussian"), everything),
        ):
            ways.append(qvar.Way(name, ansatz, against=against, problem=problem, distance=distance))
    return ways


def _elsewhere(to: str, chain: qvar.Problem, quick: bool) -> list[qvar.Way]:
    """Return two ways for each change: from zero and from the carried angles."""
    changes = {"basis": _basis, "space": _space, "molecule": _molecule, "layers": _layers}[to](chain)
    ways = []
    for label, trained_on, make, problem, remake in changes[:1] if quick else changes:
        source, target = make(trained_on), remake(problem)
        theta = _trained(trained_on, source)
        match = None if trained_on is problem else qvar.match_orbitals(trained_on, problem)
        carried = qvar.transfer(source, theta, target, orbitals=match).ansatz
        zero = f"{label} from zero"
        ways.append(qvar.Way(zero, target.with_start("zero"), problem=problem))
        ways.append(qvar.Way(f"{label} carried", carried, against=zero, problem=problem))
    return ways


def _basis(chain: qvar.Problem) -> list[Made]:
    """Return the changes from STO-3G to 6-31G."""
    large = qvar.molecule(chain.description["geometry"], basis="6-31g")
    lithium = [qvar.molecule(LITHIUM, basis=basis, active_space=(2, n)) for basis, n in (("sto-3g", 5), ("6-31g", 10))]
    return [
        (f"H{chain.n_orbitals} in 6-31G", chain, qvar.uccsd, large, qvar.uccsd),
        ("LiH in 6-31G", lithium[0], qvar.uccsd, lithium[1], qvar.uccsd),
    ]


def _space(chain: qvar.Problem) -> list[Made]:
    """Return the changes to larger active spaces."""
    changes = []
    for label, geometry, small, large in (
        ("LiH (2,2) to (4,6)", LITHIUM, (2, 2), (4, 6)),
        ("LiH (2,5) to (4,6)", LITHIUM, (2, 5), (4, 6)),
        ("H2O (4,4) to (8,6)", WATER, (4, 4), (8, 6)),
    ):
        problems = [qvar.molecule(geometry, active_space=space) for space in (small, large)]
        changes.append((label, problems[0], qvar.uccsd, problems[1], qvar.uccsd))
    return changes


def _molecule(chain: qvar.Problem) -> list[Made]:
    """Return the changes to neighbouring molecules of the same number of valence electrons."""
    changes = []
    for label, first, second, space in (
        ("LiH to NaH", LITHIUM, "Na 0 0 0; H 0 0 1.89", (2, 5)),
        ("HF to HCl", "F 0 0 0; H 0 0 0.917", "Cl 0 0 0; H 0 0 1.275", (8, 5)),
        ("H2O to H2S", WATER, SULFIDE, (8, 6)),
    ):
        problems = [qvar.molecule(geometry, active_space=space) for geometry in (first, second)]
        changes.append((label, problems[0], qvar.uccsd, problems[1], qvar.uccsd))
    return changes


def _layers(chain: qvar.Problem) -> list[Made]:
    """Return the changes from k copies or layers to k + 1."""
    changes = []
    for name, make in (("k-UpCCGSD", qvar.kupccgsd), ("tUPS", qvar.tups)):
        for k in (1, 2):
            few, more = (lambda problem, make=make, k=n: make(problem, layers=k) for n in (k, k + 1))
            changes.append((f"{name} x{k} to x{k + 1}", chain, few, chain, more))
    return changes


if __name__ == "__main__":
    qvar.launch(case)
