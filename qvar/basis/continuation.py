"""Staged continuation: the few numbers of a simple form first, then the many of the form that was asked for."""

from __future__ import annotations

from dataclasses import replace

from qvar.arguments import checked
from qvar.basis.exponent_forms import law_part
from qvar.basis.exponent_rules import Law, even_tempered_law, legendre_law
from qvar.basis.form import Form, Part

TERMS = (3, 4, 6)
"""Legendre polynomials of the stages between the even-tempered one and the free one."""


@checked()
def stages(form: Form) -> tuple[Form, ...]:
    """Return forms that end with `form`, each containing the one before: even-tempered, Legendre polynomials, itself.

    Parts that are neither free, Legendre nor well-tempered, or are contracted, stand in all stages as they are. A form
    without any other part has one stage.

    Args:
        form: what is to be fitted in the end.
    """
    simple = _stage(form, 2)
    if simple is None:
        return (form,)
    between = [_stage(form, terms) for terms in TERMS if terms < _most_terms(form)]
    return (simple, *(stage for stage in between if stage is not None), form)


def _most_terms(form: Form) -> int:
    """Return the number of parameters of the largest part that has stages."""
    return max((_terms(part) for part in form.parts), default=0)


def _terms(part: Part) -> int:
    """Return the number of Legendre terms that a part is as flexible as; 0 if it has no stages."""
    law = str(part.description.get("law", ""))
    if part.description.get("contracted") or "frozen" in part.description or "tied" in part.description:
        return 0
    if law == "free" or law.startswith("legendre"):
        return part.n_params
    return 3 if law.startswith("well_tempered") else 0


def _stage(form: Form, terms: int) -> Form | None:
    """Return the form with at most so many terms in each part; None if that changes nothing."""
    parts = tuple(_simpler(part, terms) if _terms(part) > terms else part for part in form.parts)
    if all(new is old for new, old in zip(parts, form.parts, strict=True)):
        return None
    return replace(
        form, name=f"{form.name}, {'even-tempered' if terms == 2 else f'Legendre {terms}'} stage", parts=parts
    )


def _simpler(part: Part, terms: int) -> Part:
    n, ratio = int(part.description["n"]), float(part.description.get("ratio", 1.0))
    law: Law = even_tempered_law(n, ratio) if terms == 2 else legendre_law(n, min(terms, n))
    simpler = law_part(part.element, part.angular[0], law)
    return replace(simpler, start=simpler.nearest(part.shells(part.start)))
