"""A circuit that is trained at one geometry meets another one: a small block behind it against all angles again."""

import jax

import qvar

USUAL = {"distances": (0.05, 0.2, 0.5, 1.0), "seeds": 12, "gradients": 1000}
QUICK = {"distances": (0.1, 0.5), "seeds": 3, "gradients": 150}


def case(
    atoms: int = 4,
    bond: float = 1.0,
    distances: tuple[float, ...] = (),
    start_noise: float = 0.01,
    seeds: int | None = None,
    gradients: int | None = None,
    quick: bool = False,
) -> qvar.Paired:
    """Trains UCCSD on a chain of hydrogen atoms, then carries its angles to longer bonds in three ways.

    Everything: all angles are trained again from where they were. Adapter: they are held, and a block of one layer of
    tUPS behind the circuit, which begins as the identity, is trained alone. Random start: all angles from small random
    ones. Everything is compared with the other two, seed by seed. In neural networks adapters are small layers that
    are trained inside a large network which is held (Houlsby et al. 2019).

    Args:
        atoms: Number of atoms.
        bond: Bond length of the trained circuit, in angstrom.
        distances: Changes of the bond length, in angstrom; 0.05, 0.2, 0.5 and 1 if not given, 0.1 and 0.5 with quick.
        start_noise: Standard deviation of the noise on every start, in radians, by which seeds differ.
        seeds: Number of starts of each way; 12 if not given, 3 with quick.
        gradients: Budget of each start, in evaluations; 1000 if not given, 150 with quick.
        quick: Fewer distances and starts and a smaller budget, unless they are given: within a minute.
    """
    usual = QUICK if quick else USUAL
    trained_on = qvar.hydrogen_chain(atoms, bond)
    source = qvar.uccsd(trained_on).with_start("zero")
    objective = qvar.energy(trained_on, source)
    theta = qvar.minimize(objective, key=jax.random.key(0)).theta
    ways = []
    for distance in distances or usual["distances"]:
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
    return qvar.Paired(
        trained_on,
        ways,
        start_noise=start_noise,
        seeds=usual["seeds"] if seeds is None else seeds,
        budget=qvar.Budget(gradients=usual["gradients"] if gradients is None else gradients),
    )


if __name__ == "__main__":
    qvar.launch(case)
