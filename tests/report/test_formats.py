"""Numbers and names of reports as text."""

import pandas as pd
import pytest

from qvar.analysis.rows import best_words
from qvar.report.formats import (
    count,
    counted,
    digits,
    error_words,
    first_few,
    interval,
    listed,
    number,
    recovered_words,
)
from qvar.report.notes import equal_errors
from qvar.report.plot_style import axis_words
from qvar.report.training import budget_words
from qvar.units import plain_number, shown_energy


@pytest.mark.parametrize(
    ("value", "n", "text"),
    [
        (0.7, 2, "0.70"), (1, 3, "1.00"), (0.0577, 3, "0.0577"), (40.25, 3, "40.2"), (335.4, 2, "340"),
        (1234.5, 3, "1230"), (999.7, 3, "1000"), (9.034e-5, 3, "9.03e-5"), (2.5e7, 2, "2.5e+7"), (-1.764, 3, "-1.76"),
        (0, 3, "0"), (None, 3, "-"), (float("nan"), 3, "-"),
    ],
)  # fmt: skip
def test_a_number_has_as_many_digits_as_asked_for_zeros_included(value: float | None, n: int, text: str) -> None:
    assert digits(value, n) == text


def test_an_interval_has_the_digits_of_its_value() -> None:
    assert digits(0.7, 2) + interval(0.698, 0.71, 2) == "0.70 [0.70, 0.71]"
    assert interval(None, 0.71) == ""


def test_an_error_below_what_is_known_reads_the_same_in_a_table_and_in_a_line_of_progress() -> None:
    assert error_words(1e-9, "mHa") == "<1e-5"
    assert best_words(1e-12, "Ha") == "best <1e-5 mHa"
    assert error_words(1e-9, "J") == "<1e-8"
    assert best_words(1e-9, "J") == "best <1e-8 J"
    assert number(1.44e-4) == "1.4e-4"


def test_a_share_of_the_correlation_energy_has_no_digits_of_rounding() -> None:
    assert [recovered_words(share) for share in (-1.27e-14, 1.09e-8, 2e-6, 0.999, None)] == [
        "0", "0", "2.00e-6", "0.999", "-",
    ]  # fmt: skip


def test_exponents_have_no_zeros_wherever_a_number_is_a_setting() -> None:
    assert budget_words({"gradient_tolerance": 1e-06}) == "converged when the gradient norm falls below 1e-6"
    assert "errors below 1e-5 mHa, which" in axis_words("error", "mHa")
    assert "errors below 1e-8 J, which" in axis_words("error", "J")
    assert shown_energy(1e-8, "Ha") == "1e-5 mHa"
    assert [plain_number(x) for x in (1e-5, 0.5, 2000, 10_000, 2e6)] == ["1e-5", "0.5", "2000", "10,000", "2,000,000"]


def test_counts_of_five_digits_and_more_are_in_groups() -> None:
    assert [count(x) for x in (0, 26, 9999, 10_000, 853_776, 10.5, None)] == [
        "0", "26", "9999", "10,000", "853,776", "10", "-",
    ]  # fmt: skip
    assert counted(13_271, "evaluation") == "13,271 evaluations"


def test_names_with_commas_are_told_apart() -> None:
    assert listed(["uccsd", "ry x4"]) == "uccsd, ry x4"
    assert listed(["hva x1 Adam, decay", "hva x1"]) == "hva x1 Adam, decay; hva x1"
    assert first_few(["a, b", "c", "d"], 2) == "a, b; c and 1 more"


@pytest.mark.parametrize(("unit", "close"), [("mHa", "1e-5 mHa"), ("J", "1e-8 J"), ("", "1e-8")])
def test_equal_errors_are_named_with_the_accuracy_of_the_exact_value(unit: str, close: str) -> None:
    rows = {"quantity": "error", "rank": [1, 2], "equals": [2, 2], "unit": unit, "median": 0.0}
    assert equal_errors(pd.DataFrame(rows)) == (
        f"Equal within {close}, to which exact values are known: the errors of 1 to 2; the fewer parameters come first."
    )
