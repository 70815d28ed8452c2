"""A small circuit learns from the state of a large one: with a teacher against without."""

from typing import Literal

import jax

import qvar

USUAL = {"seeds": 20, "gradients": 1000}
QUICK = {"seeds": 4, "gradients": 150}


def case(
    molecule: Literal["h2", "h4", "lih", "h6"] = "h4",
    bond: float | None = None,
    teacher: Literal["fci", "cisd", "uccsd", "hardware", "adapt"] = "fci",
    layers: int = 2,
    weight: float = 1.0,
    tolerance: float = 1.6e-3,
    seeds: int | None = None,
    gradients: int | None = None,
    quick: bool = False,
) -> qvar.Paired:
    """Distils a state into three small circuits, each compared seed by seed with its training without a teacher.

    The student is trained to have the teacher's state, then to have the lowest energy. In neural networks a small
    network is trained on the outputs of a large one (Hinton, Vinyals, Dean 2015); there it ends better than the same
    network trained on the data alone. The students are a paired coupled cluster circuit (constrained), a tiled circuit
    of orbital rotations and pair exchanges (constrained), and a hardware-efficient circuit (generic).

    Args:
        molecule: Molecule, all electrons, STO-3G.
        bond: Bond length in angstrom; the molecule's usual one if left out.
        teacher: Origin of the state: the exact vector (fci), that of two excitations (cisd), or a circuit trained from
            one start: uccsd, a deep hardware-efficient one, or one grown by ADAPT-VQE to 0.1 millihartree. Of a state
            that does not conserve electrons the part that a student can reach is taken.
        layers: Layers of the students with layers; k-UpCCGSD has one.
        weight: Weight of the infidelity in the training on the state; the rest is that of the energy.
        tolerance: A start succeeds if it ends no farther from the exact energy, in hartree.
        seeds: Number of random starts of each; 20 if not given, 4 with quick.
        gradients: Budget of each training of each start, in evaluations; 1000 if not given, 150 with quick.
        quick: Fewer starts and a smaller budget, unless they are given: within a minute.
    """
    usual = QUICK if quick else USUAL
    problem = qvar.named(molecule, bond)
    state = _state(problem, teacher)
    students = [
        qvar.kupccgsd(problem, layers=1).with_start("uniform"),
        qvar.tups(problem, layers=layers).with_start("uniform"),
        qvar.hardware_efficient(problem, layers=layers).with_start("uniform"),
    ]
    ways = []
    for student in students:
        recipe = qvar.Distillation(state, weight=weight, project=True)
        ways.append(qvar.Way(student.name, student))
        ways.append(qvar.Way(f"{student.name} from {teacher}", student, recipe=recipe, against=student.name))
    return qvar.Paired(
        problem,
        ways,
        tolerance=tolerance,
        seeds=usual["seeds"] if seeds is None else seeds,
        budget=qvar.Budget(gradients=usual["gradients"] if gradients is None else gradients),
    )


def _state(problem: qvar.Problem, teacher: str):
    """Return the state of the teacher."""
    if teacher in ("fci", "cisd"):
        return qvar.ground_state(problem, theory=teacher)
    if teacher == "adapt":
        grown = qvar.adapt(problem, "qubit_gsd", error=1e-4)
        return qvar.energy(problem, grown.ansatz).state(grown.theta)
    ansatz = qvar.uccsd(problem) if teacher == "uccsd" else qvar.hardware_efficient(problem, layers=12)
    objective = qvar.energy(problem, ansatz.with_start("zero" if teacher == "uccsd" else "gaussian"))
    return objective.state(qvar.minimize(objective, key=jax.random.key(0)).theta)


if __name__ == "__main__":
    qvar.launch(case)
