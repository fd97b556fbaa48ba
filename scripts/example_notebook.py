"""docs/example.ipynb from docs/example_cells.py: every cell is run as it stands, and shown with what it returned.

scripts/example_notebook.py prints the notebook; `jupyter` is not needed.
"""

import ast
import base64
import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from probes.analysis.plots import png
from probes.studies import record_study
from probes.studies.recipe_files import built_in

CELLS = Path(__file__).resolve().parents[1] / "docs" / "example_cells.py"


@click.command()
def main() -> None:
    """Record the tiny study in a folder that is then thrown away, and print the notebook about it."""
    with tempfile.TemporaryDirectory() as folder:
        record_study(built_in("tiny"), Path(folder, "runs", "tiny"))
        with contextlib.chdir(folder):
            text = json.dumps(notebook(CELLS.read_text(encoding="utf-8")), indent=1, ensure_ascii=False)
    click.echo(text)


def notebook(text: str) -> dict[str, Any]:
    """Return the notebook of a text of cells, run in the folder in which this is called."""
    names: dict[str, Any] = {"__name__": "__main__"}
    made = []
    for number, (kind, source) in enumerate(cells(text)):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number:02d}", "metadata": {}, "source": source}
        if kind == "code":
            count = sum(one["cell_type"] == "code" for one in made) + 1
            cell |= {"execution_count": count, "outputs": outputs(source, names, count)}
        made.append(cell)

    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def cells(text: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the source of every cell; cells begin with a line "# %%", those of prose with [markdown]."""
    for part in text.split("# %%")[1:]:
        mark, _, body = part.partition("\n")
        if "[markdown]" in mark:
            yield "markdown", "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.strip().split("\n"))
        else:
            yield "code", body.strip()


def outputs(source: str, names: dict[str, Any], count: int) -> list[Mapping[str, Any]]:
    """Run a cell; return what its last line, if that is an expression, shows."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if not isinstance(last, ast.Expr):
        return []
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307 -- as above

    return [{"output_type": "execute_result", "execution_count": count, "metadata": {}, "data": shown(value)}]


def shown(value: object) -> dict[str, str]:
    """Return a value as a notebook keeps it: as text, and as HTML or PNG where it can be shown so."""
    found = {"text/plain": repr(value) if len(repr(value)) < 2000 else f"{type(value).__name__}(...)"}
    if hasattr(value, "savefig"):
        found["image/png"] = base64.b64encode(png(value, dpi=110)).decode()
    elif hasattr(value, "_repr_html_"):
        found["text/html"] = value._repr_html_()

    return found


if __name__ == "__main__":
    main()
