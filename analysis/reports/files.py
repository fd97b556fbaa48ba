"""A report as files in one folder: the page, and each panel's table and figure."""

from pathlib import Path

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import paper as on_paper
from probes.analysis.plots.canvas import png
from probes.analysis.reports.placing import replacing
from probes.analysis.reports.report import Report
from probes.errors import LogError

__all__ = ["write_report"]


def write_report(found: Report, out_dir: str | Path, *, paper: bool = False, parquet: bool = False) -> list[Path]:
    """Write report.html, and each panel's CSV, PNG and SVG, into a folder; return their paths, the report's first.

    All is written beside the folder and then put in its place at once: where that fails, an earlier report stays as it
    was. Files of an earlier report that this one does not have are taken away, other files stay.

    Args:
        found: The report.
        out_dir: The folder.
        paper: Write figures for papers, too, one or two columns wide, as paper/NAME.svg and .png.
        parquet: Write tables as Parquet, too, with their full digits; needs pyarrow.

    Raises:
        RunError: the folder cannot be written.
        LogError: pyarrow is asked for and not installed.

    Example:
        >>> from probes.analysis import example_study, report
        >>> [path.name for path in write_report(report(example_study()[-1]), "findings")][:2]
        ['report.html', 'winners.csv']
    """
    writers = [_write_panel, *([_write_paper] if paper else []), *([_write_parquet] if parquet else [])]
    with replacing(Path(out_dir)) as folder:
        page = folder / "report.html"
        with page.open("w", encoding="utf-8", errors="backslashreplace") as stream:
            found.render(stream)
        written = [page, *(path for panel in found.panels for write in writers for path in write(panel, folder))]

    return [Path(out_dir) / path.relative_to(folder) for path in written]


def _write_panel(panel: Panel, folder: Path) -> list[Path]:
    table = folder / f"{panel.name}.csv"
    table.write_text(panel.csv, encoding="utf-8")
    if panel.figure is None:
        return [table]

    pixels, drawing = folder / f"{panel.name}.png", folder / f"{panel.name}.svg"
    pixels.write_bytes(png(panel.figure))
    drawing.write_text(panel.svg, encoding="utf-8")
    return [table, pixels, drawing]


def _write_paper(panel: Panel, folder: Path) -> list[Path]:
    if panel.figure is None:
        return []
    (folder / "paper").mkdir(exist_ok=True)
    found = {folder / "paper" / f"{panel.name}{suffix}": data for suffix, data in on_paper(panel.figure).items()}

    for path, data in found.items():
        path.write_bytes(data)
    return list(found)


def _write_parquet(panel: Panel, folder: Path) -> list[Path]:
    path = folder / f"{panel.name}.parquet"
    table = panel.table.copy(deep=False)
    table.attrs = {}
    try:
        table.to_parquet(path, index=False)
    except ImportError as error:
        raise LogError(
            "expected pyarrow, which Parquet files need, got none installed; pip install 'feature-probes[parquet]'"
        ) from error

    return [path]
