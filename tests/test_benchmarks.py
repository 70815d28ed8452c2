"""The benchmarks themselves: a quick run gives tables and pictures, wrong numbers and wrong words are reported."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import qvar
from qvar.cli.main import main

FOLDER = Path(__file__).parent / "benchmarks"
MARKERS = "before\n<!-- tables: begin -->\nold\n<!-- tables: end -->\nafter\n"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """The benchmarks with these words, as a process."""
    call = [sys.executable, str(FOLDER), *words]
    return subprocess.run(call, capture_output=True, text=True, timeout=300)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[Any, str, str]]:
    """The benchmarks in this process: a function of the words that gives exit status, output and errors."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "true")  # a process of their own would switch it off for itself

    def in_this_process(*words: str) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", [str(FOLDER), *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(FOLDER), run_name="__main__")
        return ended.value.code, *capsys.readouterr()

    return in_this_process


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmarks' file on problems and their sizes."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import works

    return works


def test_a_quick_run_gives_tables_and_numbers(tmp_path: Path, here: Callable[..., tuple[Any, str, str]]) -> None:
    page, kept = tmp_path / "page.md", tmp_path / "kept.json"
    page.write_text(MARKERS)
    done = run("hpsi", "sector", "--quick", "--save", str(kept), "--markdown", str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    for expected in ("H4, 36 amplitudes", "PySCF", "ratio", "H4, 26 factors", "H4, peak memory", "MB", "compilation"):
        assert expected in done.stdout
    assert "[1/2] sector: H4 chain, UCCSD ..." in done.stderr

    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| H4, 36 amplitudes | " in text
    assert "| h16 | not measured |" in text

    (row,) = json.loads(kept.read_text())["tables"]["hpsi"]["rows"]
    assert 0 < row["ours"]["low"] <= row["ours"]["median"] <= row["ours"]["high"] < 1
    assert here("--load", str(kept))[1].strip() == done.stdout[: done.stdout.rindex("\n\n")].strip()


def test_a_campaign_is_timed_from_submission_to_collection(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], works: ModuleType
) -> None:
    import campaign

    commands: list[str] = []

    def one_process(call: list[str], **settings: Any) -> Any:
        """The first command is a process, as all are for users; the others would each import qvar once more."""
        commands.append(call[3])
        if len(commands) == 1:
            return subprocess.run(call, **settings)
        monkeypatch.setenv("PATH", settings["env"]["PATH"])
        return subprocess.CompletedProcess(call, main(call[3:]), *capsys.readouterr())

    monkeypatch.setattr(campaign, "_real_submission", lambda *_: [])
    monkeypatch.setattr(campaign, "subprocess", SimpleNamespace(run=one_process))
    found = campaign.rows(2, rounds=1)
    assert commands == ["submit", "status", "status", "collect", "status", "collect"]
    assert [row.work.partition(",")[0] for row in found] == [
        "submit",
        "status",
        "status",
        "collect",
        "status",
        "collect",
    ]
    for row in found:
        assert row.ours is not None
        assert row.verdict in ("aim", "yes", "NO")
        assert 0 < row.ours.median < 60


def test_saved_numbers_give_ratios_verdicts_and_pictures(
    tmp_path: Path, works: ModuleType, here: Callable[..., tuple[Any, str, str]]
) -> None:
    import results
    from measure import Sample
    from rows import Row

    def row(name: str, ours: float, theirs: float, amplitudes: int) -> Row:
        samples = [Sample(t, 0.9 * t, 1.1 * t, 9) for t in (ours, theirs)]
        return Row("sector", name, *samples, ratio=(15.0, 40.0), more={"amplitudes": amplitudes})

    rows = [row("small", 1e-3, 0.014, 4900), row("middle", 2e-3, 0.05, 63504), row("large", 0.01, 0.5, 853776)]
    rows[0].published, rows[0].more["source"] = True, "a paper"
    limit = Row("sector whole", "memory", Sample(2e9, 2e9, 2e9, 1), unit="B", limit=(3e9, 1.5e9))
    results.save(tmp_path / "a.json", {"sector": (results.here(), rows)})
    results.save(tmp_path / "b.json", {"sector whole": (results.here("a card"), [limit])})
    files = [str(tmp_path / name) for name in ("a.json", "b.json")]
    status, out, _ = here("--load", *files, "--plots", str(tmp_path))
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["small", "1", "ms", "±10%", "14", "ms", "±10%*", "14x", "15x", "/", "40x", "NO"] in lines
    assert ["middle", "2", "ms", "±10%", "50", "ms", "±10%", "25x", "15x", "/", "40x", "yes"] in lines
    assert ["large", "10", "ms", "±10%", "500", "ms", "±10%", "50x", "15x", "/", "40x", "aim"] in lines
    assert ["memory", "2", "GB", "3", "/", "1.5", "GB", "yes"] in lines
    assert "* not measured in this run: a paper." in out
    assert "a card; python" in out
    assert (tmp_path / "bench_amplitudes.png").read_bytes().startswith(b"\x89PNG")


def test_numbers_that_differ_from_the_peer_are_not_timed(
    works: ModuleType, here: Callable[..., tuple[Any, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import peers

    monkeypatch.setattr(peers, "pyscf_product", lambda problem: lambda state: state)
    status, out, _ = here("hpsi", "--quick")
    assert status == 1
    assert "WRONG: H|psi> differs by" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sectors"], "benchmarks: `group` must be one of sector, hpsi, "),
        (["--quickly"], "benchmarks: unrecognized arguments: --quickly."),
        (["--load", "nowhere.json"], "benchmarks: `--load` must be a file that can be used, but 'nowhere.json' is not"),
        (["--save", "no/where.json"], "benchmarks: `--save` must be in an existing folder, but 'no' is none."),
        (["--markdown", str(FOLDER / "rows.py")], "benchmarks: `--markdown` must be a page that holds "),
    ],
)
def test_a_wrong_word_gives_one_sentence(
    words: list[str], sentence: str, here: Callable[..., tuple[Any, str, str]]
) -> None:
    status, out, err = here(*words)
    assert status == 2
    assert out == ""
    assert err.startswith(sentence)
    assert err.count("\n") == 1


def test_traffic_of_uccsd_counts_the_amplitudes_that_factors_mix(works: ModuleType) -> None:
    problem = qvar.hydrogen_chain(4, charge=-1, spin=1)  # three electrons up, two down: no two formulas agree by chance
    m, electrons = problem.n_orbitals, (problem.n_alpha, problem.n_beta)
    strings = [[set(occupied) for occupied in combinations(range(m), n)] for n in electrons]
    states = [{2 * p for p in a} | {2 * p + 1 for p in b} for a, b in product(*strings)]
    moved = 0
    for created, annihilated in (amplitude for amplitude in problem.amplitudes("mp2")):
        one, other = set(created), set(annihilated)
        moved += sum((other <= state and not one & state) or (one <= state and not other & state) for state in states)
    assert works.uccsd_traffic(problem) == 6 * moved + 2 * len(states)


def test_parameters_are_the_same_in_every_process(works: ModuleType) -> None:
    np.testing.assert_array_equal(works.parameters(5, "uccsd"), works.parameters(5, "uccsd"))
    assert works.parameters(5, "generic", 3).shape == (3, 5)


class _FakeWorker:
    """A process that answers at once, after the time that its work takes has passed on a clock of the test's own."""

    clock = 0.0

    def __init__(self, **environment: str) -> None:
        self.bits, self.left = environment["QVAR_PRECISION"], np.inf

    def __enter__(self) -> "_FakeWorker":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def close(self) -> None: ...

    def import_early(self) -> None: ...

    def kill_after(self, seconds: float) -> None:
        self.left = seconds

    def seconds(self, calls: int) -> float:
        return 0.5

    def ask(self, do: str, **request: object) -> dict[str, object]:
        from worker import LATE, WorkError

        if do == "summary":
            return {"summary": [1.0, 2.0]}
        needed = {"zz28": 1000.0}.get(str(request.get("problem")), 10.0)
        _FakeWorker.clock += min(needed, self.left)
        if needed > self.left:
            raise WorkError(LATE)
        about = {"device": "a card", "platform": "cuda", "peak": 10**9, "device_peak": 10**8}
        if do == "copy":
            return {"bytes_per_second": [64.0], **about}
        if do == "train":
            return {"seconds": 3.0, "compile": 2.0, "tables": 1.0, "value": -1.0, "evaluations": 9, **about}
        if request["problem"] == "zz26":
            raise WorkError("out of memory")
        return {"seconds": {"first": 4.0, "warm": 0.5, "tables": 1.0}, **about}


def test_rows_of_a_device_are_saved_as_they_come(
    tmp_path: Path, works: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    import device
    import results
    from device_plan import Work

    monkeypatch.setattr(_FakeWorker, "clock", 0.0)

    def dense(n: int, reference: tuple[float, float] | None = None) -> Work:
        return Work("device dense", f"{n} qubits", "open", {"problem": f"zz{n}"}, 2, 1 << n, reference)

    right, wrong, full, slow = dense(20, (1.0, 2.0)), dense(22, (1.0, 2.1)), dense(26), dense(28)
    trained = Work("device training", "h12", "train", {"problem": "h12"})
    plan = [Work("device copy", "copy", "copy"), right, wrong, full, slow, trained]
    kept: list[int] = []
    save = results.save

    def counted(path: Path, tables: results.Results) -> None:
        save(path, tables)
        kept.append(sum("not run" not in row.note for _, rows in results.load(path).values() for row in rows))

    monkeypatch.setattr(results, "save", counted)
    monkeypatch.setattr(device, "Worker", _FakeWorker)
    monkeypatch.setattr(device.time, "monotonic", lambda: _FakeWorker.clock)
    # 50 s and, for the slow one, a fourth of the time; then float32 of three and a part of the next
    device.run(plan, 110 / 60, tmp_path / "gpu.json")
    assert kept == [0] * 7 + [1, 2, 3, 3]
    found = results.load(tmp_path / "gpu.json")
    assert found["device dense"][0]["machine"] == "a card"
    rows = {row.work: row for _, rows in found.values() for row in rows}
    assert rows["20 qubits"].theirs.median == rows["20 qubits"].ours.median == 0.5
    assert rows["20 qubits"].note == ""
    # two numbers of 8 or 4 bytes in half a second, where a copy moves 64 bytes in a second
    assert [rows["20 qubits"].more[f"copy {bits}"] for bits in ("64", "32")] == ["50%", "25%"]
    assert rows["20 qubits"].more["compile 64"] == "3.5 s"
    assert rows["20 qubits"].more["memory"] == "100 MB"
    assert rows["22 qubits"].note.startswith("float64: WRONG: values differ by 0.0e+00, gradients by 1.0e-01")
    assert rows["26 qubits"].note == "float64: out of memory; float32: not run"
    assert rows["28 qubits"].note == "float64: took too long; float32: not run"
    assert rows["h12"].theirs.median == 3.0
    assert rows["h12"].more["evaluations 64"] == 9
    text = device.tables.text("device dense", list(found["device dense"][1]))
    lines = [line.split("  ") for line in text.splitlines()]
    cells = {line[0]: [cell.strip() for cell in line[1:] if cell.strip()] for line in lines if len(line) > 2}
    assert cells["26 qubits"][:2] == ["not run", "out of memory"]
    assert cells["28 qubits"][:2] == ["not run", "failed"]


def test_the_plan_of_a_device_is_data(tmp_path: Path, works: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    import device
    import device_plan

    class Reference(_FakeWorker):
        def ask(self, do: str, **request: object) -> dict[str, object]:
            assert do == "summary" or request["problem"] in (str(tmp_path / "p" / "h2.npz"), "zz8", "zz3")
            return {"summary": [1.0, 2.0]}

    monkeypatch.setattr(device_plan, "Worker", Reference)
    device_plan.write(tmp_path / "p", chains=[2], dense=[3], batch=[5, 4], trained=2)
    plan = device_plan.read(tmp_path / "p")
    assert [work.name for work in plan] == [
        "copy of 1 GiB",
        "h2",
        "3 qubits",
        "8 qubits x 20, batch 5",
        "h2, batch 4",
        "h2",
    ]
    assert plan[1].traffic == works.uccsd_traffic(works.problem_of("h2"))
    assert plan[1].reference == [1.0, 2.0]
    assert qvar.Problem.load(plan[-1].request["problem"]).n_qubits == 4

    monkeypatch.setattr(sys, "argv", ["device", "run", str(tmp_path)])
    assert device.main() == 2
