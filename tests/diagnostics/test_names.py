"""The public names of `qvar.diagnostics`."""

from pathlib import Path

import qvar


def test_every_name_loads_and_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text()
    for name in qvar.diagnostics.__all__:
        assert getattr(qvar.diagnostics, name).__doc__, name
        assert f".{name}\n" in page, name


def test_no_file_hides_a_name() -> None:
    # importing a file sets an attribute of its name on the package
    files = {path.stem for path in Path(qvar.diagnostics.__file__).parent.glob("*.py")}
    assert not files & set(qvar.diagnostics.__all__)
