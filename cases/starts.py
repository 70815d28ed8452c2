"""Starts of two circuits: the correlation energy that each begins with, and the evaluations that it saves."""

from typing import Literal

import qvar

BONDS = {"h2": (0.74, 2.0), "h4": (1.0, 2.0), "lih": (1.546, 4.0)}
USUAL = {"seeds": 10, "gradients": 2000}
QUICK = {"seeds": 3, "gradients": 300}
CHEMICAL = ("mp2", "ccsd")


def case(
    molecule: Literal["h2", "h4", "lih"] = "h4",
    bonds: tuple[float, ...] = (),
    circuits: tuple[Literal["uccsd", "hardware_efficient"], ...] = ("uccsd", "hardware_efficient"),
    starts: tuple[Literal["zero", "clifford", "mp2", "ccsd", "gaussian", "uniform"], ...] = (
        "zero",
        "clifford",
        "mp2",
        "ccsd",
        "uniform",
    ),
    layers: int = 14,
    entangler: Literal["cz_brick", "cz_all", "cnot_brick", "cnot_chain"] = "cz_brick",
    start_noise: float = 0.01,
    seeds: int | None = None,
    gradients: int | None = None,
    quick: bool = False,
) -> qvar.Paired:
    """Trains UCCSD and a hardware-efficient circuit from several starts, near equilibrium and stretched; STO-3G.

    Zero is the Hartree-Fock determinant, unless CNOTs change it; clifford the best point of Clifford gates that a
    search finds (Ravi et al. 2022); mp2 and ccsd are amplitudes of classical methods, which coupled cluster circuits
    can begin with; gaussian and uniform are random angles, small and of any size. Each start is compared with the first
    one, seed by seed.

    Args:
        molecule: Molecule, all electrons.
        bonds: Bond lengths in angstrom; the usual one and a stretched one if not given.
        circuits: Circuits.
        starts: Starts; mp2 and ccsd are those of UCCSD alone.
        layers: Layers of the hardware-efficient circuit, of RY and entanglers.
        entangler: Gate and pattern of the entanglers.
        start_noise: Standard deviation of the noise on every start, in radians, by which seeds differ.
        seeds: Number of starts of each; 10 if not given, 3 with quick.
        gradients: Budget of each start, in evaluations; 2000 if not given, 300 with quick.
        quick: Fewer starts and a smaller budget, unless they are given: within a minute.
    """
    usual = QUICK if quick else USUAL
    ways = []
    for bond in bonds or BONDS[molecule]:
        problem = qvar.named(molecule, bond)
        for circuit in dict.fromkeys(circuits):
            if circuit == "uccsd":
                ansatz = qvar.uccsd(problem)
            else:
                ansatz = qvar.hardware_efficient(problem, layers=layers, rotations=("RY",), entangler=entangler)
            own = [start for start in dict.fromkeys(starts) if circuit == "uccsd" or start not in CHEMICAL]
            names = [f"{ansatz.name} {bond:g} from {start}" for start in own]
            for name, start in zip(names, own, strict=True):
                against = "" if name == names[0] else names[0]
                started = ansatz.with_start(start)
                ways.append(qvar.Way(name, started, against=against, problem=problem, distance=bond))
    return qvar.Paired(
        qvar.named(molecule),
        ways,
        start_noise=start_noise,
        seeds=usual["seeds"] if seeds is None else seeds,
        budget=qvar.Budget(gradients=usual["gradients"] if gradients is None else gradients),
    )


if __name__ == "__main__":
    qvar.launch(case)
