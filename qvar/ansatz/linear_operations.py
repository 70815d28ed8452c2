r"""Linear operations of JAX on arrays that are affine in theta: \(a + C\theta\) with known a and C.

Each rule takes an equation of a jaxpr and its inputs, of which at least one is affine and the others are arrays that
depend on no parameter, and returns the outputs; None for one that it does not prove to be affine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jax.extend.core import JaxprEqn
from scipy.sparse import csr_array, vstack

_SAME_ENTRIES = ("reshape", "squeeze", "expand_dims", "copy", "copy_p")
"""Operations that change the shape at most."""

_MOST_DENSE = 50_000_000
"""Entries of a matrix of coefficients that a product or a running sum may fill."""


@dataclass(frozen=True, eq=False)
class Affine:
    r"""An array whose entries are \(a_k + \sum_j C_{kj}\theta_j\)."""

    constant: Any
    """The constants a, in the shape of the array."""
    slope: csr_array
    """The coefficients C, one row for each entry of the flattened array."""

    @property
    def n_params(self) -> int:
        """Length of theta."""
        shape: Any = self.slope.shape
        return int(shape[1])


Form: TypeAlias = Any
"""An array, or an `Affine`."""

Rule: TypeAlias = Callable[[JaxprEqn, list[Form]], list[Form]]


def kind(atom: Any) -> Any:
    """Return the shape and number type of a value."""
    return atom.aval


def _affine(form: Form, n_params: int) -> Affine:
    if isinstance(form, Affine):
        return form
    array = np.asarray(form)
    return Affine(array, csr_array((array.size, n_params)))


def _width(inputs: Sequence[Form]) -> int:
    return next(form.n_params for form in inputs if isinstance(form, Affine))


def _shape(equation: JaxprEqn, output: int = 0) -> tuple[int, ...]:
    return kind(equation.outvars[output]).shape


def _chosen(inputs: Sequence[Form], source: Any) -> Affine:
    """Choose entries of the inputs, one after the other in a row, by their numbers in it."""
    width = _width(inputs)
    forms = [_affine(form, width) for form in inputs]
    slopes = csr_array(vstack([form.slope for form in forms])) if len(forms) > 1 else forms[0].slope
    constants = np.concatenate([np.ravel(form.constant) for form in forms])
    return Affine(constants[source], csr_array(slopes[np.ravel(source)]))


def _numbers(inputs: Sequence[Form]) -> list[Any]:
    """Return the numbers of each input's entries, in its shape."""
    arrays, first = [], 0
    for form in inputs:
        shape = form.constant.shape if isinstance(form, Affine) else np.shape(form)
        size = int(np.prod(shape))
        arrays.append(np.arange(first, first + size).reshape(shape))
        first += size
    return arrays


def _same(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    if equation.params.get("dimensions") is not None and equation.primitive.name == "reshape":
        return [None]
    return [Affine(inputs[0].constant.reshape(_shape(equation)), inputs[0].slope)]


def _moves(numbers: Callable[..., Any]) -> Rule:
    """Make the rule of an operation that only moves entries, from its action on their numbers."""

    def rule(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
        return [_chosen(inputs, np.asarray(numbers(*_numbers(inputs), **equation.params)))]

    return rule


def _slice(x: Any, *, start_indices: Any, limit_indices: Any, strides: Any) -> Any:
    strides = strides or [1] * x.ndim
    return x[tuple(slice(*piece) for piece in zip(start_indices, limit_indices, strides, strict=True))]


def _broadcast(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    shape, places = equation.params["shape"], equation.params["broadcast_dimensions"]
    (numbers,) = _numbers(inputs[:1])
    wide = np.ones(len(shape), dtype=int)
    wide[list(places)] = numbers.shape
    return [_chosen(inputs[:1], np.broadcast_to(numbers.reshape(wide), shape))]


def _dynamic_slice(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    if any(isinstance(index, Affine) for index in inputs[1:]):
        return [None]
    pieces = zip(inputs[1:], equation.params["slice_sizes"], strict=True)
    (numbers,) = _numbers(inputs[:1])
    return [_chosen(inputs[:1], numbers[tuple(slice(int(i), int(i) + size) for i, size in pieces)])]


def _gather(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    if isinstance(inputs[1], Affine):
        return [None]
    (numbers,) = _numbers(inputs[:1])
    parameters = equation.params | {"fill_value": 0}  # every index lies inside
    return [_chosen(inputs[:1], np.asarray(equation.primitive.bind(numbers, inputs[1], **parameters)))]


def _scatter(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    """Set entries at known places."""
    if isinstance(inputs[1], Affine):
        return [None]
    moved = [inputs[0], inputs[2]]
    numbers, updates = _numbers(moved)
    source = np.asarray(equation.primitive.bind(numbers, inputs[1], updates, **equation.params))
    return [_chosen(moved, source)]


def _split(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    (numbers,) = _numbers(inputs)
    cuts = np.cumsum(equation.params["sizes"])[:-1]
    return [_chosen(inputs, piece) for piece in np.split(numbers, cuts, axis=equation.params["axis"])]


def _pad(x: Any, value: Any, *, padding_config: Any) -> Any:
    for axis, (low, high, between) in enumerate(padding_config):
        length = x.shape[axis] + between * max(x.shape[axis] - 1, 0)
        shape = list(x.shape)
        shape[axis] = max(low, 0) + length + max(high, 0)
        wide = np.full(shape, value)
        at: list[Any] = [slice(None)] * x.ndim
        at[axis] = slice(max(low, 0), max(low, 0) + length, between + 1)
        wide[tuple(at)] = x
        at[axis] = slice(max(-low, 0), shape[axis] - max(-high, 0))
        x = wide[tuple(at)]
    return x


def _select(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    which, *cases = inputs
    if isinstance(which, Affine):
        return [None]
    numbers = np.stack([np.broadcast_to(case, _shape(equation)) for case in _numbers(cases)])
    choice = np.broadcast_to(np.asarray(which, dtype=int), numbers.shape[1:])
    return [_chosen(cases, np.take_along_axis(numbers, choice[None], axis=0)[0])]


def _scaled(slope: csr_array, factors: np.ndarray) -> csr_array:
    """Multiply rows by factors, one for each."""
    data = slope.data * np.repeat(factors, np.diff(slope.indptr))
    return csr_array((data, slope.indices, slope.indptr), shape=slope.shape)


def _stretched(form: Affine, shape: tuple[int, ...]) -> Affine:
    """Repeat an array along axes of length one; JAX combines a scalar with any array."""
    return form if form.constant.shape == shape else _chosen([form], np.broadcast_to(_numbers([form])[0], shape))


def _sum(sign: float) -> Rule:
    def rule(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
        width, shape = _width(inputs), _shape(equation)
        a, b = (_stretched(_affine(form, width), shape) for form in inputs)
        return [Affine(a.constant + sign * b.constant, csr_array(a.slope + sign * b.slope))]

    return rule


def _negative(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    return [Affine(-inputs[0].constant, -inputs[0].slope)]


def _product(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    a, b = inputs
    if isinstance(a, Affine) and isinstance(b, Affine):
        return [None]
    form, factor = (a, b) if isinstance(a, Affine) else (b, a)
    shape = _shape(equation)
    form, factor = _stretched(form, shape), np.broadcast_to(np.asarray(factor), shape)
    with np.errstate(invalid="ignore"):
        return [Affine(form.constant * factor, _scaled(form.slope, np.ravel(factor)))]


def _quotient(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    form, divisor = inputs
    if isinstance(divisor, Affine) or not np.issubdtype(kind(equation.outvars[0]).dtype, np.inexact):
        return [None]
    shape = _shape(equation)
    form, divisor = _stretched(form, shape), np.broadcast_to(np.asarray(divisor), shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        return [Affine(form.constant / divisor, _scaled(form.slope, np.ravel(1.0 / divisor)))]


def _reduce_sum(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    (form,), axes = inputs, tuple(equation.params["axes"])
    rest = tuple(1 if axis in axes else length for axis, length in enumerate(form.constant.shape))
    size = int(np.prod(rest))
    into = np.broadcast_to(np.arange(size).reshape(rest), form.constant.shape).ravel()
    adds = csr_array((np.ones(into.size), (into, np.arange(into.size))), shape=(size, into.size))
    return [Affine(np.sum(form.constant, axis=axes), csr_array(adds @ form.slope))]


def _cumsum(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    (form,), axis = inputs, equation.params["axis"]
    dense = _dense(form)
    if dense is None:
        return [None]

    def along(x: np.ndarray) -> np.ndarray:
        return np.flip(np.cumsum(np.flip(x, axis), axis), axis) if equation.params["reverse"] else np.cumsum(x, axis)

    return [_sparse(along(form.constant), along(dense))]


def _dot_general(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    a, b = inputs
    if isinstance(a, Affine) and isinstance(b, Affine):
        return [None]
    form = a if isinstance(a, Affine) else b
    dense = _dense(form)
    (left, right), (left_batch, right_batch) = equation.params["dimension_numbers"]
    ranks = [len(kind(atom).shape) for atom in equation.invars]
    if dense is None or sum(ranks) > 20 or int(np.prod(_shape(equation))) * dense.shape[-1] > _MOST_DENSE:
        return [None]
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    first = [next(letters) for _ in range(ranks[0])]
    second = [next(letters) for _ in range(ranks[1])]
    for i, j in (*zip(left, right, strict=True), *zip(left_batch, right_batch, strict=True)):
        second[j] = first[i]
    free = [letter for axis, letter in enumerate(first) if axis not in (*left, *left_batch)]
    free += [letter for axis, letter in enumerate(second) if axis not in (*right, *right_batch)]
    out = "".join([*(first[i] for i in left_batch), *free])
    words = ["".join(first), "".join(second)]
    place = 0 if form is a else 1
    arrays = [np.asarray(x.constant if isinstance(x, Affine) else x) for x in inputs]
    constant = np.einsum(f"{words[0]},{words[1]}->{out}", *arrays)
    words[place] += "Z"
    arrays[place] = dense
    return [_sparse(constant, np.einsum(f"{words[0]},{words[1]}->{out}Z", *arrays))]


def _dense(form: Affine) -> np.ndarray | None:
    """Return coefficients in the shape of the array, with one axis more; None if they are too many."""
    if form.constant.size * form.n_params > _MOST_DENSE:
        return None
    return form.slope.toarray().reshape(*form.constant.shape, form.n_params)


def _sparse(constant: Any, dense: np.ndarray) -> Affine:
    return Affine(constant, csr_array(dense.reshape(constant.size, dense.shape[-1])))


def _part(part: Callable[[Any], Any]) -> Rule:
    """Make the rule of a real or imaginary part or a conjugate: theta is real, so it acts on coefficients alone."""

    def rule(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
        slope = inputs[0].slope
        parts = csr_array((part(slope.data), slope.indices, slope.indptr), shape=slope.shape)
        return [Affine(part(inputs[0].constant), parts)]

    return rule


def _complex(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    real, imaginary = (_stretched(_affine(form, _width(inputs)), _shape(equation)) for form in inputs)
    return [Affine(real.constant + 1j * imaginary.constant, csr_array(real.slope + 1j * imaginary.slope))]


def _convert(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    """Change the number type, if that loses nothing but an imaginary part."""
    (form,), new = inputs, np.dtype(equation.params["new_dtype"])
    old = np.dtype(kind(equation.invars[0]).dtype)
    if np.can_cast(old, new, "safe"):
        return [form]
    if old.kind == "c" and new.kind == "f" and new.itemsize * 2 >= old.itemsize:
        return _part(np.real)(equation, inputs)
    return [None]


def _power(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    return [inputs[0] if equation.params["y"] == 1 else None]


RULES: dict[str, Rule] = {
    **dict.fromkeys(_SAME_ENTRIES, _same),
    "slice": _moves(_slice),
    "rev": _moves(lambda x, *, dimensions: np.flip(x, dimensions)),
    "transpose": _moves(lambda x, *, permutation: np.transpose(x, permutation)),
    "concatenate": _moves(lambda *x, dimension: np.concatenate(x, axis=dimension)),
    "stack": _moves(lambda *x, axis: np.stack(x, axis=axis)),
    "tile": _moves(lambda x, *, reps: np.tile(x, reps)),
    "pad": _moves(_pad),
    "broadcast_in_dim": _broadcast,
    "dynamic_slice": _dynamic_slice,
    "gather": _gather,
    "scatter": _scatter,
    "split": _split,
    "select_n": _select,
    "add": _sum(1.0),
    "add_any": _sum(1.0),
    "sub": _sum(-1.0),
    "neg": _negative,
    "mul": _product,
    "div": _quotient,
    "reduce_sum": _reduce_sum,
    "cumsum": _cumsum,
    "dot_general": _dot_general,
    "real": _part(np.real),
    "imag": _part(np.imag),
    "conj": _part(np.conj),
    "complex": _complex,
    "convert_element_type": _convert,
    "integer_pow": _power,
}
