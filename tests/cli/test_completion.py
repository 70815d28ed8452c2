"""What a shell completes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qvar.cli.main import main


def _answers(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["complete", *words]) == 0
    return capsys.readouterr().out.split()


def test_commands_cases_flags_and_choices(capsys: pytest.CaptureFixture[str]) -> None:
    assert _answers(capsys, "re") == ["report"]
    assert {"run", "submit", "list", "new-case", "--version"} <= set(_answers(capsys))
    assert _answers(capsys, "run", "h4") == ["h4_duel"]
    assert _answers(capsys, "submit", "h4") == ["h4_duel"]
    assert _answers(capsys, "run", "h4_duel", "--b") == ["--bond"]
    assert "--resume" in _answers(capsys, "run", "h4_duel", "--bond", "1.0", "--")
    assert _answers(capsys, "list", "p") == ["pools", "problems"]
    assert _answers(capsys, "completion", "") == ["bash", "zsh", "fish"]
    assert "--columns" in _answers(capsys, "show", "--")


@pytest.mark.parametrize("words", [("rum", ""), ("run", "absent.py", "--b"), ("list", "pools", ""), ("run", "--x")])
def test_nothing_is_offered_if_nothing_fits(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert _answers(capsys, *words) == []


def test_bash_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    assert main(["completion", "bash"]) == 0
    qvar = tmp_path / "qvar"
    qvar.write_text(f"#!{sys.executable}\nimport sys\nfrom qvar.cli.main import main\nsys.exit(main())\n")
    qvar.chmod(0o755)
    ask = 'COMP_WORDS=(qvar run h4_duel --gr); COMP_CWORD=3; _qvar; printf "%s\\n" "${COMPREPLY[@]}"'
    script = f"PATH={tmp_path}:$PATH\n{capsys.readouterr().out}\n{ask}"
    done = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("--gradients\n", "")
