"""Tables of a ledger that several parts of a report take."""

from __future__ import annotations

import numpy as np
import pandas as pd
from report.test_terminal import LEDGERS

from qvar.analysis import summary
from qvar.analysis.once import once, tables_once
from qvar.records.run_tables import ledger_from


def test_a_table_is_computed_once_for_each_ledger_inside_the_block_and_each_time_elsewhere() -> None:
    calls: list[int] = []

    @once
    def rows(ledger: pd.DataFrame) -> pd.DataFrame:
        calls.append(len(ledger))
        return ledger.assign(n=len(ledger))

    one, two = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1, 2]})
    with tables_once():
        assert rows(one) is rows(one)
        assert rows(two)["n"].tolist() == [2, 2]
        assert calls == [1, 2]
        for length in range(3, 30):  # ledgers that are gone, whose place in memory another one may have
            assert len(rows(pd.DataFrame({"a": np.zeros(length)}))) == length
    rows(one)
    rows(one)
    assert calls[-2:] == [1, 1]


def test_a_ledger_that_was_changed_has_another_summary() -> None:
    ledger = ledger_from(LEDGERS["duel"]())
    with tables_once():
        before = summary(ledger)
    ledger["error"] = 2 * ledger["error"]
    assert not before["median"].equals(summary(ledger)["median"])
