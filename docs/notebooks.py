"""Notebooks of the documentation: their outputs, and pages of the site made from them.

`python docs/notebooks.py` runs every notebook in `docs/notebooks/` and stores what its
cells show. MkDocs uses the file as a hook.
"""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("notebooks")

Cell = dict[str, Any]
Output = dict[str, Any]


def read(path: Path) -> list[Cell]:
    """Return the cells of a notebook."""
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


# -------------------------------------------------------------------------------------
# Running a notebook


@contextlib.contextmanager
def shell() -> Iterator[Any]:
    """Open IPython's shell in this process, and restore what it changes there."""
    import matplotlib
    from IPython.core.displayhook import DisplayHook
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.pylabtools import select_figure_formats
    from traitlets.config import Config

    class Hook(DisplayHook):
        """Publisher of the value of a cell in all its forms."""

        def write_output_prompt(self) -> None:
            """Write nothing: the page shows no numbers of cells."""

        def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
            """Publish the forms of a value."""
            self.shell.display_pub.publish(data=format_dict)

    class Shell(InteractiveShell):
        displayhook_class = Hook

        def enable_gui(self, gui: str | None = None) -> None:
            """Do nothing: there are no windows."""

    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "nocolor"
    before = {name: getattr(sys, name) for name in ("displayhook", "excepthook")}
    modules, rc = dict(sys.modules), matplotlib.rcParams.copy()
    backend = matplotlib.get_backend()
    opened = Shell.instance(config=settings, user_module=types.ModuleType("notebook"))
    # `%matplotlib inline` does this in the first shell of a process alone
    select_figure_formats(opened, {"png"}, bbox_inches="tight")
    try:
        yield opened
    finally:
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")
        opened.restore_sys_module_state()
        Shell.clear_instance()
        for name, value in before.items():
            setattr(sys, name, value)
        for name in ("notebook", "__main__"):
            if name in modules:
                sys.modules[name] = modules[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # matplotlib warns of its own old settings
            matplotlib.rcParams.update(rc)
            matplotlib.use(backend)


def run(cells: list[Cell]) -> list[list[Output]]:
    """Run the cells of a notebook in the current folder; return the outputs of each.

    Raises:
        RuntimeError: if a cell fails.
    """
    from IPython.utils.capture import capture_output

    outputs: list[list[Output]] = []
    with shell() as opened:
        for number, cell in enumerate(cells):
            outputs.append([])
            if cell["cell_type"] != "code":
                continue
            with capture_output() as captured:
                result = opened.run_cell("".join(cell["source"]), store_history=True)
            if not result.success:
                error = result.error_before_exec or result.error_in_exec
                raise RuntimeError(
                    f"cell {number} of the notebook: {type(error).__name__}: {error}"
                ) from error
            outputs[-1] = _outputs(captured)
    return outputs


def _outputs(captured: Any) -> list[Output]:
    """Return what a cell has shown as entries of a notebook file.

    Of a display that was updated it is the last state.
    """
    outputs: list[Output] = []
    for name, text in (("stdout", captured.stdout), ("stderr", captured.stderr)):
        if text:
            outputs.append(
                {
                    "output_type": "stream",
                    "name": name,
                    "text": text.splitlines(keepends=True),
                }
            )
    displays: dict[object, Output] = {}
    for place, rich in enumerate(captured.outputs):
        data = {kind: _lines(value) for kind, value in rich.data.items()}
        displays[(rich.transient or {}).get("display_id", place)] = {
            "output_type": "display_data", "metadata": {}, "data": data,
        }  # fmt: skip
    return [*outputs, *displays.values()]


def _lines(value: Any) -> Any:
    return (
        value.splitlines(keepends=True)
        if isinstance(value, str) and "\n" in value.strip()
        else value
    )


def store(path: Path) -> None:
    """Run a notebook in an empty folder and store what its cells show."""
    content = json.loads(path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        outputs = run(content["cells"])
    count = 0
    for cell, shown in zip(content["cells"], outputs, strict=True):
        if cell["cell_type"] == "code":
            count += 1
            cell.update(outputs=shown, execution_count=count)
    path.write_text(
        json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n",
        encoding="utf-8",
    )


# -------------------------------------------------------------------------------------
# A page of the site


def page(path: Path) -> str:
    """Return a notebook as a page in Markdown, with its outputs as HTML."""
    parts: list[str] = []
    for cell in read(path):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [_output_html(output) for output in cell["outputs"]]
    title, _, rest = "\n\n".join(parts).partition("\n\n")
    download = (
        f"*This page is the notebook [{path.name}]({path.name}) with its outputs.*"
    )
    return f"{title}\n\n{download}\n\n{rest}\n"


def _output_html(output: Output) -> str:
    """Return an output in its richest form: HTML, a picture, or text."""
    if output["output_type"] == "stream":
        return f"```text\n{''.join(output['text']).rstrip()}\n```"
    data = {kind: "".join(value) for kind, value in output["data"].items()}
    if "text/html" in data:
        content = re.sub(r"<style.*?</style>", "", data["text/html"], flags=re.DOTALL)
        content = re.sub(r"\n\s*", "\n", content).replace(
            '<table border="1" class="dataframe">', "<table>"
        )
    elif "image/png" in data:
        source = f"data:image/png;base64,{data['image/png'].strip()}"
        content = f'<img src="{source}" alt="{html.escape(data["text/plain"])}">'
    else:
        return f"```text\n{data['text/plain']}\n```"
    return f'<div class="notebook-output" style="overflow-x: auto">\n{content}\n</div>'


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each notebook, as a hook of MkDocs."""
    from mkdocs.structure.files import File

    for path in sorted(FOLDER.glob("*.ipynb")):
        files.append(
            File.generated(config, f"notebooks/{path.stem}.md", content=page(path))
        )
    return files


if __name__ == "__main__":
    for notebook in sorted(FOLDER.glob("*.ipynb")):
        store(notebook)
        print(os.path.relpath(notebook))
