"""Sequences: long short-term memory against gated recurrent units, which have three quarters of its parameters."""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

import qvar

WIDTH, CLASSES = 8, 10
"""Numbers in an entry of a sequence, and outputs; the digits need all of both, the symbols 8 and 4."""

PAPERS = ("hochreiter1997", "alpaydin1998"), ("cho2014", "chung2014")
"""Keys of the papers on the LSTM and the data, and on the GRU."""


class Recurrent(eqx.Module):
    """A cell that reads a sequence (length, 8) entry by entry, and a dense layer on its last state."""

    cell: Any
    out: eqx.nn.Linear

    def __call__(self, sequence):
        """Return ten numbers, the largest at the likely class."""
        start = jnp.zeros(self.cell.hidden_size)
        state = (start, start) if isinstance(self.cell, eqx.nn.LSTMCell) else start
        state, _ = jax.lax.scan(lambda state, entry: (self.cell(entry, state), None), state, sequence)
        return self.out(state[0] if isinstance(state, tuple) else state)


def lstm(hidden: int, key):
    """Four maps of input and state: three gates and a memory (Hochreiter and Schmidhuber 1997)."""
    cell, out = jax.random.split(key)
    return Recurrent(eqx.nn.LSTMCell(WIDTH, hidden, key=cell), eqx.nn.Linear(hidden, CLASSES, key=out))


def gru(hidden: int, key):
    """Three maps of input and state: two gates and no separate memory (Cho et al. 2014).

    Equinox adds a second bias to one of the maps. It is kept at zero, as integers, which are not trained.
    """
    cell, out = jax.random.split(key)
    unit = eqx.nn.GRUCell(WIDTH, hidden, key=cell)
    unit = eqx.tree_at(lambda tree: tree.bias_n, unit, jnp.zeros(hidden, int))
    return Recurrent(unit, eqx.nn.Linear(hidden, CLASSES, key=out))


def order_of_two(length: int, n: int, seed: int) -> qvar.Examples:
    """Sequences of symbols a to f in which X or Y occurs twice; the class is XX, XY, YX or YY.

    The first of the two is in the first third of the sequence and the second in the middle third, after Hochreiter and
    Schmidhuber (1997), experiment 6, there with 100 to 110 symbols.
    """
    rng, total = np.random.default_rng([seed, 5]), n + 500
    symbols = rng.integers(0, 6, (total, length))
    first, second = rng.integers(0, 2, (2, total))
    third, every = length // 3, np.arange(total)
    symbols[every, rng.integers(0, third, total)] = 6 + first
    symbols[every, rng.integers(third, 2 * third, total)] = 6 + second
    x, y = np.eye(WIDTH)[symbols], 2 * first + second
    return qvar.Examples(x[:n], y[:n], test_x=x[n:], test_y=y[n:])


def case(
    hidden: tuple[int, ...] = (),
    sizes: tuple[int, ...] = (),
    length: int = 18,
    steps: int | None = None,
    seeds: int | None = None,
    quick: bool = False,
) -> qvar.Learning:
    """Trains LSTM and GRU networks of equal width on few and on many sequences.

    With d inputs and h units an LSTM has 4 h (d + h + 1) parameters and a GRU 3 h (d + h + 1). Two problems: the order
    of two symbols among others (simulated), and digits of scikit-learn, read row by row. Hochreiter and Schmidhuber
    1997, https://doi.org/10.1162/neco.1997.9.8.1735; Cho et al. 2014, https://arxiv.org/abs/1406.1078; Chung et al.
    2014, https://arxiv.org/abs/1412.3555, who found no winner.

    Args:
        hidden: Units of the networks; 8 and 24 if not given, 16 with quick.
        sizes: Numbers of training sequences; 60, 300 and 1400 if not given, 300 with quick.
        length: Symbols of a simulated sequence.
        steps: Steps of each training, of 32 sequences each.
        seeds: Trainings of each network; 8 if not given, 3 with quick.
        quick: Fewer steps, seeds and networks, and the simulated problem alone: within twenty seconds.
    """
    qvar.require(length >= 6, "length", "be at least 6", length)
    sizes = sizes or ((300,) if quick else (60, 300, 1400))
    learners = []
    for n in hidden or ((16,) if quick else (8, 24)):
        learners.append(qvar.Learner(f"LSTM {n}", "generic", partial(lstm, n), series="LSTM", citations=PAPERS[0]))
        learners.append(qvar.Learner(f"GRU {n}", "constrained", partial(gru, n), series="GRU", citations=PAPERS[1]))
    images, classes = load_digits(return_X_y=True)
    problems = {
        "order of two symbols": partial(order_of_two, length, max(1400, *sizes)),
        "digits, row by row": qvar.Examples.splits(images.reshape(-1, 8, WIDTH) / 16.0, classes, n_test=390),
    }
    if quick:
        problems.pop("digits, row by row")
    return qvar.Learning(
        learners,
        problems,
        sizes=sizes,
        steps=steps or (200 if quick else 500),
        seeds=seeds or (3 if quick else 8),
        transform=optax.adam(1e-2),
    )


if __name__ == "__main__":
    qvar.launch(case)
