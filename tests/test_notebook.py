"""Records in a notebook: problems, circuits and runs as HTML, and the pictures of a run as matplotlib axes."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot

import qvar


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_problem_and_a_circuit_are_tables(h4: qvar.Problem) -> None:
    words = Page(h4._repr_html_()).words
    assert words[words.index("qubits") + 1] == "8"
    assert words[words.index("electrons") + 1] == "4 (2 alpha, 2 beta)"
    assert words[words.index("reference state") + 1] == "|11110000>"
    assert "electrons" not in Page(qvar.tfim(3)._repr_html_()).words
    words = Page(qvar.uccsd(h4)._repr_html_()).words
    assert words[words.index("parameters") + 1] == "26"
    assert "DoubleExcitation" in words[-1]
    evil = qvar.hardware_efficient(2, name="<script>")
    assert Page(evil._repr_html_()).words[0] == "<script>"


def test_records_of_work_are_tables(h4: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h4)
    objective = qvar.energy(h4, ansatz)
    words = Page(objective._repr_html_()).words
    assert (words[0], words[words.index("parameters") + 1]) == ("uccsd", "26")
    duel = qvar.Duel(h4, [ansatz, qvar.hardware_efficient(h4, layers=1)], seeds=3)
    words = Page(duel._repr_html_()).words
    assert words[words.index("contenders") + 1].startswith("uccsd (26 parameters), ")
    assert words[words.index("starts of each") + 1] == "3"
    result = qvar.minimize(objective, np.zeros(26), budget=qvar.Budget(gradients=2))
    words = Page(result._repr_html_()).words
    assert words[words.index("value") + 1] == f"{result.value:.8f}"
    assert words[words.index("evaluations") + 1] == "2"
    determinants = qvar.leading_determinants(objective, np.zeros(26))
    assert "".join(Page(determinants._repr_html_()).words) == str(determinants)


def test_a_run_is_a_table_and_draws_axes(tmp_path: Path) -> None:
    chain = qvar.tfim(3)
    contenders = [qvar.hva(chain, layers=n) for n in (1, 2)]
    qvar.run(qvar.Duel(chain, contenders, seeds=2), tmp_path / "run", progress=False)
    run = qvar.load(tmp_path / "run")
    assert contenders[0].name in "".join(Page(run._repr_html_()).words)
    axes = run.plot_convergence()
    lines = {line.get_label(): line for line in axes.lines}
    name = contenders[1].name
    rows = run.trace[run.trace["contender"] == name]
    assert lines[name].get_xdata()[-1] == rows["evaluations"].max()
    errors = run.ledger[run.ledger["contender"] == name]["error"].abs().clip(lower=1e-8)
    np.testing.assert_allclose(lines[name].get_ydata()[-1], errors.median())
    front = run.plot_front()
    assert front.get_xlabel() == "number of parameters"
    assert front.figure is pyplot.figure(pyplot.get_fignums()[-1])  # which notebooks show
    assert run.plot_front(cost="two_qubit_gates").get_xlabel() == "number of two-qubit gates"
    pyplot.close("all")
    with pytest.raises(qvar.QvarError, match="`cost` must be"):
        run.plot_front(cost="depth")  # pyright: ignore[reportArgumentType]
