"""Learning: networks of several families, trained on the same examples with equal numbers of steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from typing import Any, ClassVar, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from qvar._types import Family
from qvar.arguments import check_fields, checked
from qvar.checks import counting_number, different_names, one_of, whole_numbers
from qvar.errors import QvarError, error_words, require, shown
from qvar.optimize.budget import Status
from qvar.short_repr import short_repr
from qvar.studies.columns import TEST_ERROR, repeated
from qvar.studies.networks import Apply, Loss, Network, Trace, compiled, traced
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, numbers_for_key, task_key

LEARNING_COLUMNS = (
    LedgerColumn("model", "string", "Name of the model that was trained."),
    LedgerColumn("series", "string", "Name of the models that differ from it in size alone; empty if there are none."),
    LedgerColumn("training_size", "Int64", "Number of examples that it was trained on."),
    LedgerColumn("multiply_adds", "Int64", "Multiply-adds of its matrix products and convolutions for one input."),
    LedgerColumn("steps", "Int64", "Steps of the training."),
    LedgerColumn("epochs", "float64", "Times that each training example was used, on average."),
    LedgerColumn("train_error", "float64", "Error on the examples that it was trained on.", unit="the row's `unit`"),
    LedgerColumn("test_value", "float64", "Loss on other examples."),
    TEST_ERROR,
    LedgerColumn("accuracy", "float64", "Share of other examples whose class is right; empty if there are no classes."),
)
"""Columns of a learning study beside the common ones; `value` is the loss on the training examples."""

_LOOKS = 20
"""Parts of a training after which its progress is reported and its loss recorded."""


def _array(argument: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except Exception:  # keys of JAX, lists of several lengths
        array = np.array(None)
    if array.dtype.kind not in "biuf" or array.ndim == 0 or not np.all(np.isfinite(array)):
        raise QvarError(f"`{argument}` must be an array of finite numbers, but is {shown(value)}.")
    return array


def _apply(network: Any, x: Any, key: Any) -> Any:
    return network(x)


@short_repr("x", "y", "test_x", "test_y")
@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and outputs for the training, and others for the test."""

    x: Any
    """(n, ...) inputs."""
    y: Any
    """(n,) integers, the classes; (n, k) their probabilities; or (n, ...) real numbers."""
    _: KW_ONLY
    test_x: Any
    """(m, ...) inputs of the test."""
    test_y: Any
    """(m, ...) their outputs."""

    def __post_init__(self) -> None:
        for name in ("x", "y", "test_x", "test_y"):
            object.__setattr__(self, name, _array(name, getattr(self, name)))
        for x, y in (("x", "y"), ("test_x", "test_y")):
            n, m = len(getattr(self, x)), len(getattr(self, y))
            require(n == m and n > 0, y, f"have one entry for each of the {n} inputs", m)
        require(self.x.shape[1:] == self.test_x.shape[1:], "test_x", "have the shape of x", self.test_x.shape)

    @staticmethod
    @checked()
    def splits(x: Any, y: Any, *, n_test: int) -> Callable[[int], Examples]:
        """Return a function seed -> examples that sets `n_test` of them aside for the test, others for each seed.

        Args:
            x: (n, ...) all inputs.
            y: (n, ...) all outputs.
            n_test: number of test examples, from 1 to below n.

        Raises:
            QvarError: if the arrays are no examples, or `n_test` is out of its range.
        """
        both = Examples(x, y, test_x=x, test_y=y)
        require(1 <= counting_number("n_test", n_test) < len(both.x), "n_test", f"be below {len(both.x)}", n_test)

        def split(seed: int) -> Examples:
            order = np.random.default_rng([seed, 2]).permutation(len(both.x))
            test, rest = order[:n_test], order[n_test:]
            return Examples(both.x[rest], both.y[rest], test_x=both.x[test], test_y=both.y[test])

        return split


Data: TypeAlias = Examples | Callable[[int], Examples]
"""Examples, or a function seed -> examples."""


@short_repr("name", "family")
@dataclass(frozen=True, eq=False)
class Learner:
    """A network that may be trained.

    A network is any tree of arrays that JAX knows and that is a function of one input, such as a module of Equinox. The
    arrays of floating-point numbers in it are its parameters.
    """

    name: str
    """Name in the ledger."""
    family: Family
    """`"generic"` or `"constrained"`."""
    make: Callable[[jax.Array], Any]
    """Function JAX key -> network with its start parameters."""
    _: KW_ONLY
    apply: Apply | None = None
    """Function (network, one input, key) -> output, for networks that need random numbers in training; the key is None
    outside of it. The network itself if None."""
    transform: optax.GradientTransformation | None = None
    """Optimizer of its own; that of the study if None."""
    series: str = ""
    """Name that models have in common which differ in size alone; pictures join them by lines."""
    citations: tuple[str, ...] = ()
    """Keys of papers in `qvar/citations.bib`."""

    def __post_init__(self) -> None:
        check_fields(self)


@short_repr("learners", "sizes", "steps", "seeds")
@dataclass(frozen=True, eq=False)
class Learning:
    """Networks that are trained on the same examples, in the same order and with the same number of steps.

    A seed draws the order of the examples, of which the first of each size are the training set, the minibatches, and
    the start parameters of a network. All arithmetic is in single precision. A network is compiled once for all its
    seeds, which are trained one after another: the minibatches of small networks leave nothing for a batch of seeds to
    gain on a CPU, and convolutions in a batch of seeds are slower.

    `columns` are those that it adds to the ledger.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = LEARNING_COLUMNS

    learners: Sequence[Learner]
    """Networks with different names."""
    data: Data | Mapping[str, Data]
    """The examples, or a function seed -> examples, such as `Examples.splits(x, y, n_test=300)`; or several of them by
    the names of the problems that they belong to."""
    _: KW_ONLY
    loss: Loss = "cross_entropy"
    """`"cross_entropy"` of classes, whose error is the share of wrong ones; or `"squared"` difference, whose error is
    its root mean."""
    sizes: Sequence[int] = ()
    """Different numbers of training examples; all if empty."""
    steps: int = 1000
    """Steps of each training."""
    batch: int = 32
    """Examples of a step; all if there are fewer."""
    seeds: int = 8
    """Number of trainings of each network and size, seeds 0 to seeds - 1."""
    transform: optax.GradientTransformation = field(default_factory=lambda: optax.adam(1e-3))
    """Optimizer, an optax transformation."""
    unit: str = ""
    """Unit of the outputs."""

    name: ClassVar[str] = "learning"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(len(self.learners) > 0, "learners", "hold at least one qvar.Learner", self.learners)
        different_names("learners", [one.name for one in self.learners])
        for name in ("steps", "batch", "seeds"):
            counting_number(name, getattr(self, name))
        require(len(self.problems) > 0, "data", "hold at least one problem", self.data)
        n = min(len(self.examples(problem, seed=0).x) for problem in self.problems)
        sizes = whole_numbers("sizes", self.sizes)
        good = all(1 <= size <= n for size in sizes) and len(set(sizes)) == len(sizes)
        require(good, "sizes", f"hold different numbers from 1 to {n}", self.sizes)
        object.__setattr__(self, "sizes", tuple(sizes) or (n,))

    @property
    def problems(self) -> Mapping[str, Data]:
        """The data by the names of their problems; `data` is the name of a single one."""
        return self.data if isinstance(self.data, Mapping) else {"data": self.data}

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study uses, in `qvar/citations.bib`."""
        own = {key for one in self.learners for key in one.citations}
        return tuple(sorted({"deepmind2020", "jax2018", *own}))

    @checked()
    def examples(self, problem: str, *, seed: int) -> Examples:
        """Return the examples of a problem and a seed, in the order in which training sets grow."""
        data = self.problems[one_of("problem", problem, tuple(self.problems))]
        data = data if isinstance(data, Examples) else data(seed)
        if not isinstance(data, Examples):
            raise QvarError(f"`data` must give qvar.Examples, but gives {shown(data)}.")
        order = np.random.default_rng([seed, 0]).permutation(len(data.x))
        return Examples(data.x[order], data.y[order], test_x=data.test_x, test_y=data.test_y)

    def tasks(self) -> list[Task]:
        """Return one task for each problem, network and training size."""
        tasks = []
        for problem in self.problems:
            data = self._digest(problem)
            for one in self.learners:
                inputs = {
                    "study": "learning",
                    "problem": [problem, data],
                    "model": [one.name, one.family, one.series, self._trace(one, problem).digest],
                    "numbers": [self.steps, self.batch, self.seeds, self.unit],
                }
                for size in self.sizes:
                    several = len(self.problems) > 1, True, len(self.sizes) > 1
                    parts = zip((problem, one.name, f"{size} examples"), several, strict=True)
                    label = ", ".join(part for part, named in parts if named)
                    run = partial(_rows, self, problem, one, size, label)
                    tasks.append(Task(task_key({**inputs, "size": size}), label, run))
        return tasks

    def _digest(self, problem: str) -> str:
        digest = sha256()
        for seed in range(1 if isinstance(self.problems[problem], Examples) else self.seeds):
            own = self.examples(problem, seed=seed)
            for part in (own.x, own.y, own.test_x, own.test_y):
                digest.update(numbers_for_key(part, 6).tobytes())
        return digest.hexdigest()

    @checked()
    def train(
        self,
        learner: Learner,
        *,
        problem: str = "data",
        training_size: int,
        seed: int,
        report: Reporter = lambda _: None,
    ) -> Trained:
        """Train one network from one seed.

        Args:
            learner: the network.
            problem: name of the problem.
            training_size: number of training examples.
            seed: number of the start.
            report: called now and then with the progress.
        """
        began, data = time.perf_counter(), self.examples(problem, seed=seed)
        require(seed >= 0, "seed", "not be negative", seed)
        require(1 <= training_size <= len(data.x), "training_size", f"be from 1 to {len(data.x)}", training_size)
        batches = _batches(training_size, self.batch, self.steps, seed)
        with _single_precision():
            network = self._network(learner)
            x, y = (_numbers(np.concatenate(parts)) for parts in ((data.x, data.test_x), (data.y, data.test_y)))
            places = np.arange(len(x))
            weights = jnp.asarray(np.stack([places < training_size, places >= len(data.x)]), jnp.float32)
            key = jax.random.key(seed)
            params = network.make(key)
            memory = network.begin(params)
            trace = [(0, float(network.evaluate(params, x, y, weights)[0][0]))]
            for part in np.split(batches, next(n for n in range(_LOOKS, 0, -1) if self.steps % n == 0)):
                key, own = jax.random.split(key)
                params, memory, values = network.steps(params, memory, x, y, jnp.asarray(part), own)
                trace.append((trace[-1][0] + len(part), float(values.mean())))
                report(Progress(trace[-1][0], self.steps, f"loss {trace[-1][1]:.3g}"))
            (value, test_value), (error, test_error) = np.asarray(network.evaluate(params, x, y, weights), float)
        classes = self.loss == "cross_entropy"
        if not classes:
            error, test_error = np.sqrt([error, test_error])
        finite = np.isfinite([value, test_value]).all()
        row = {
            "status": (Status.TRAINED if finite else Status.NOT_FINITE).value,
            "value": value,
            "test_value": test_value,
            "train_error": error,
            "test_error": test_error,
            "accuracy": 1.0 - test_error if classes else None,
            "steps": self.steps,
            "epochs": batches.size / training_size,
            "wall_s": time.perf_counter() - began,
            "trace_step": [step for step, _ in trace],
            "trace_value": [value for _, value in trace],
            "trace_gradient_norm": [float("nan")] * len(trace),
            "trace_evaluations": [step for step, _ in trace],
        }
        return Trained(network.module(params), row)

    def _network(self, learner: Learner) -> Network:
        networks = self._networks
        if learner not in networks:
            networks[learner] = compiled(
                learner.make, learner.apply or _apply, learner.transform or self.transform, self.loss
            )
        return networks[learner]

    @cached_property
    def _networks(self) -> dict[Learner, Network]:
        return {}

    def _trace(self, learner: Learner, problem: str) -> Trace:
        data = self.examples(problem, seed=0)
        with _single_precision():
            x, y = _numbers(data.x[:1]), _numbers(data.y[:1])
            try:
                return traced(
                    learner.make, learner.apply or _apply, learner.transform or self.transform, self.loss, x, y
                )
            except Exception as error:
                raise QvarError(f"`make` of {learner.name} must make a network of JAX for one input, but raised "
                    f"{error_words(error).rstrip('.')}.") from error  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trained:
    """A network after its training."""

    network: Any
    """The network, a function of one input."""
    row: Row
    """Its columns of the ledger."""


@contextmanager
def _single_precision() -> Iterator[None]:
    with jax.enable_x64(False):
        yield


def _numbers(array: Any) -> Any:
    return jnp.asarray(array, jnp.float32 if array.dtype.kind == "f" else jnp.int32)


def _batches(size: int, batch: int, steps: int, seed: int) -> Any:
    """Return the numbers of the examples of each step, (steps, batch): orders drawn one after another."""
    rng, own = np.random.default_rng([seed, 1]), min(batch, size)
    orders = [rng.permutation(size)[: size // own * own] for _ in range(-(-steps // (size // own)))]
    return np.concatenate(orders).reshape(-1, own)[:steps].astype(np.int32)


def _rows(study: Learning, problem: str, one: Learner, size: int, label: str, report: Reporter) -> list[Row]:
    trace = study._trace(one, problem)
    own = {"contender": label, "model": one.name, "family": one.family, "n_params": trace.n_params, "unit": study.unit}
    own |= {"problem": problem, "series": one.series, "training_size": size, "multiply_adds": trace.multiply_adds}

    def train(seed: int) -> Row:
        def watch(progress: Progress) -> None:
            report(Progress(seed * study.steps + progress.done, study.seeds * study.steps, progress.message))

        return study.train(one, problem=problem, training_size=size, seed=seed, report=watch).row

    return repeated(own, study.seeds, train)
