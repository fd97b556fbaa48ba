"""`probes analyze`: runs become tables, figures and a report; studies side by side, where there are several."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click
import pandas as pd

from probes.analysis.panel import Panel
from probes.analysis.reports.comparison import comparison
from probes.analysis.reports.files import write_report
from probes.analysis.reports.report import Report
from probes.analysis.reports.study import report
from probes.analysis.rule import RULE, LearnedRule
from probes.analysis.study import Study, open_study
from probes.analysis.sweeps.report import sweep_report
from probes.analysis.sweeps.seeds import is_over_seeds
from probes.analysis.sweeps.seeds_report import seeds_report
from probes.analysis.sweeps.table import is_sweep
from probes.analysis.theory.findings.claims import records
from probes.cli.frame_text import cells, claims_for_people
from probes.cli.messages import say
from probes.cli.tables import show
from probes.cli.unreadable_runs import damaged, fail_for


@click.command()
@click.argument("roots", metavar="ROOT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for report.html, and a CSV and figures a finding.")
@click.option("--tap", metavar="NAME", help="Report on this tap alone; default all that the runs recorded.")
@click.option("--members", metavar="GLOB", default="", help="Runs that make ensembles; default those without parents.")
@click.option("--students", metavar="GLOB", default="", help="Runs that learn from others; default those with parents.")
@click.option("--rule", metavar="KEY=VALUE,...", help="When a feature counts as learned, as excess=1.5,window=0.2.")
@click.option("--paper", is_flag=True, help="With --out: figures for papers, too, one or two columns wide.")
@click.option("--parquet", is_flag=True, help="With --out: tables as Parquet, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the tables as JSON.")
def command(
    roots: tuple[Path, ...],
    out: Path | None,
    tap: str | None,
    members: str,
    students: str,
    rule: str | None,
    paper: bool,
    parquet: bool,
    as_json: bool,
) -> None:
    """Show what the runs under ROOT won, what they cover together, and what distillation added.

    Any runs can be analysed: features of what was recorded with directions, errors and ensembles of what has outputs,
    and what was logged; what is left out is named with the reason. Several ROOTs of the theory's studies are set side
    by side. A ROOT that `probes record SWEEP.toml` made becomes maps: what its points measured against what varies;
    where that is the seed alone, the claims pooled over seeds, and every seed's own.
    Files of an earlier report in the folder --out are replaced. A run that cannot be read is named on stderr, the
    others are shown, and the exit code is 1.

    \b
    Example:
      probes analyze runs --out report
      probes analyze runs --tap conv1.weight --members 'seed-*'
    """  # noqa: D301 - the mark that click leaves lines as they are after
    if out is None and (paper or parquet):
        raise click.UsageError(
            f"expected --out with --{'paper' if paper else 'parquet'}, got none: name a folder for them"
        )
    studies = _studies(roots, rule=_rule(rule), members=members, students=students)
    found = _report(studies, roots, tap)
    if out is not None:  # before stdout, which a reader such as `head` may close
        say(f"report: {write_report(found, out, paper=paper, parquet=parquet)[0]}")
    reasons: dict[str, list[str]] = {}
    for name, reason in found.absent.items():
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        say(f"left out: {', '.join(names)}: {reason}")

    tables = {panel.name: panel.table for panel in found.panels}
    if as_json:
        click.echo(json.dumps({name: records(table) for name, table in tables.items()}, indent=2))
    else:
        _print_tables(found.panels)
    fail_for(damaged(studies.values()))


def _rule(text: str | None) -> LearnedRule:
    """Return the rule that an option changes."""
    known = [one.name for one in fields(LearnedRule)]
    changed = {}
    for part in text.split(",") if text else []:
        name, sign, value = part.partition("=")
        try:
            changed[name.strip()] = float(value)
        except ValueError:
            sign = ""
        if not sign or name.strip() not in known:
            raise click.UsageError(f"expected --rule KEY=NUMBER with KEY one of {', '.join(known)}, got {part!r}")
    try:
        return replace(RULE, **changed)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _names(roots: tuple[Path, ...]) -> dict[str, Path]:
    """Return every root by its folder's name, or by all of its path where two have the same name."""
    twice = [root for root, count in Counter(root.resolve() for root in roots).items() if count > 1]
    if twice:
        raise click.UsageError(f"expected different folders, got {twice[0]} twice: name each study once")
    short = [root.resolve().name for root in roots]

    return {str(root) if short.count(name) > 1 else name: root for root, name in zip(roots, short, strict=True)}


def _studies(roots: tuple[Path, ...], **options: Any) -> Mapping[str, Study]:
    """Return the studies by name; none of a sweep, whose points are studies of their own."""
    swept = [root for root in roots if is_sweep(root)]
    if swept and len(roots) > 1:
        raise click.UsageError(
            f"expected studies to set side by side, got a sweep or a study over seeds in {swept[0]}: analyse it by "
            "itself, or name the folders of its points"
        )
    if swept:
        return {}

    return {name: open_study(root, **options) for name, root in _names(roots).items()}


def _report(studies: Mapping[str, Study], roots: tuple[Path, ...], tap: str | None) -> Report:
    """Return the report of a sweep, of a study, or of several."""
    if not studies:
        return seeds_report(roots[0]) if is_over_seeds(roots[0]) else sweep_report(roots[0])
    first, *others = studies.values()

    return comparison(studies) if others else report(first, tap=tap)


def _print_tables(panels: Sequence[Panel]) -> None:
    """Print what fits a screen, the same tables of every tap."""
    printed = 0
    for stem, (columns, title) in _PRINTED.items():
        for panel in (panel for panel in panels if panel.name.partition("-")[0] == stem):
            table = claims_for_people(panel.table) if panel.name == "claims" else panel.table
            tap = f" ({panel.name.removeprefix(f'{stem}-')})" if panel.name != stem else ""
            chosen = [column for column in columns or table.columns if column in table]
            shown = [column for column in chosen if _holds_some(table[column])] or chosen
            show(*cells(table[shown]), title="\n" * bool(printed) + (title or _described(panel)) + tap)
            printed += 1


def _described(panel: Panel) -> str:
    """Return a panel's title and caption as one heading."""
    return f"{panel.title}: {panel.caption[0].lower()}{panel.caption[1:].rstrip('.')}"


def _holds_some(column: "pd.Series[Any]") -> bool:
    """Return whether any row has a value in a column."""
    return bool((column.notna() & (column != "")).any())


# What is printed of each table, all columns where none are named, under which title; "" = the panel's own.
_PRINTED: Mapping[str, tuple[list[str], str]] = {
    "map": ([], "What the points measured: means over seeds, errors in mu, the rest as shares"),
    "contrast": (
        ["learner", "networks", "variant", "error_mu", "low", "high", "gain_mu", "gain_low", "gain_high", "gains"],
        "Learners side by side: test errors in mu, and gains over single models",
    ),
    "recipes": ([], "What the recipes differ in"),
    "summary": ([], ""),
    "prediction": ([], "How well the initialisation predicts what is learned, beside its null"),
    "coverage": (
        ["members", "coverage", "coverage_low", "coverage_high", "predicted_coverage", "expected", "error_mu"],
        "What K members cover, and what their own chances predict",
    ),
    "gains": ([], "What students have of their teachers' features, beside runs without teachers"),
    "ensembles": (
        ["set", "group", "members", "error", "error_low", "error_high", "cross_entropy", "gain", "low", "high"],
        "What ensembles of K members err",
    ),
    "pairs": (
        ["run", "own_run", "teacher", "uncovered", "error_mu", "within"],
        "Self-distillation: what the union leaves uncovered, and the error",
    ),
    "claims": ([], "The theory's claims"),
}
