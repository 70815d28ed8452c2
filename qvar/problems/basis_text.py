"""Texts of basis sets, in the format of NWChem or in that of Gaussian and Psi4.

Readers of other programs skip what they do not know, and so change the set: PySCF reads an SP shell that is called `L`
as functions of angular momentum 8, takes every set for spherical, and leaves out scale factors and all but the first of
several elements. Here every word of a text is either understood or named in an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from qvar.problems.basis_builder import BasisText, Builder, Line, Source
from qvar.problems.basis_gaussian import is_gaussian, read_gaussian
from qvar.problems.basis_nwchem import read_nwchem

Kind = Literal["nwchem", "gaussian94"]
"""Names of formats in the Basis Set Exchange. Psi4's is Gaussian's, after a line `spherical` or `cartesian`."""


@lru_cache(maxsize=16)
def read_basis_text(text: str, name: str, kind: Kind | None = None, argument: str = "basis") -> BasisText:
    """Read a basis set from its text; nothing in it is left out.

    Comments start with "#" or "!" and end with their line; blank lines, the case of letters, and D or E in exponents do
    not matter. A text of NWChem's format may lack the lines `BASIS` and `END`, and then its functions are spherical, as
    in PySCF; a line `BASIS` must say `SPHERICAL` or `CARTESIAN` if there are d functions. Gaussian's format takes lists
    of elements, `-H`, scale factors, `SP` and `L=7`; its functions are spherical unless a line `cartesian` comes first.

    `name` and `argument` are those of errors; the format is recognized by the first line if `kind` is None.

    Returns:
        The set. It is cached: its lists must not be changed.

    Raises:
        QvarError: if a line is not understood, a shell is empty, lacks a number or has one that cannot be, a function
            is zero or repeated, or the text does not say if functions are spherical.
    """
    lines = list(_lines(text))
    gaussian = is_gaussian(lines[0]) if kind is None and lines else kind == "gaussian94"
    source = Source(argument, name, "Gaussian" if gaussian else "NWChem")
    if not lines:
        raise source.mistake("hold shells of a basis set")
    builder = Builder(source)
    (read_gaussian if gaussian else read_nwchem)(lines, builder)
    return builder.finished()


def _lines(text: str) -> Iterator[Line]:
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        line = re.split("[#!]", raw, maxsplit=1)[0].strip()
        if line:
            yield Line(number, line.split(), line)
