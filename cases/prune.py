"""Circuits that lose parameters after training: by which rule, at which loss, and what theory predicts."""

from typing import Literal

import qvar

RULES = ("energy", "obs", "angle", "gradient")


def case(
    molecule: Literal["h2", "h4", "lih", "beh2", "h6"] = "lih",
    bond: float | None = None,
    contenders: tuple[Literal["uccsd", "kupccgsd", "tups", "hardware_efficient"], ...] = (
        "uccsd",
        "kupccgsd",
        "hardware_efficient",
    ),
    rules: tuple[Literal["angle", "energy", "obd", "obs", "fisher", "gradient"], ...] | None = None,
    keep: float = 0.2,
    groups: Literal["parameter", "layer", "class", "qubits"] = "parameter",
    seeds: int = 1,
    quick: bool = False,
) -> qvar.Compression:
    """Prunes trained circuits, angle by angle, as connections of neural networks are; STO-3G, all electrons.

    Rules and their counterparts: the smallest angle (magnitude pruning, Han et al. 2015), the smallest exact rise of
    the energy, its second-order law (optimal brain damage, LeCun et al. 1990), the law with all other angles following
    (optimal brain surgeon, Hassibi and Stork 1993), the smallest gradient on the way, and the quantum Fisher
    information. That a pruned network trains as well from its first start is the lottery ticket of Frankle and Carbin
    (2019).

    Args:
        molecule: Molecule, all electrons.
        bond: Bond length in angstrom; the molecule's usual one if left out.
        contenders: Circuits.
        rules: Rules that choose the angle to remove; energy, obs, angle and gradient if not given, obs and angle with
            quick.
        keep: Parameters that are left, as a share.
        groups: Angles that go together.
        seeds: Number of starts of each circuit.
        quick: Molecule H4, fewer rules, and smaller circuits, within a minute.
    """
    problem = qvar.named("h4" if quick and molecule == "lih" else molecule, bond)
    make = {
        "uccsd": lambda: qvar.uccsd(problem).with_start("zero"),
        "kupccgsd": lambda: qvar.kupccgsd(problem, layers=1),
        "tups": lambda: qvar.tups(problem, layers=2),
        "hardware_efficient": lambda: qvar.hardware_efficient(problem, layers=2 if quick else 3, rotations=("RY",)),
    }
    if rules is None:
        rules = ("obs", "angle") if quick else RULES
    return qvar.Compression(
        problem,
        [make[name]() for name in contenders],
        [qvar.Pruning(rule, keep=keep, groups=groups) for rule in rules],
        seeds=seeds,
    )


if __name__ == "__main__":
    qvar.launch(case)
