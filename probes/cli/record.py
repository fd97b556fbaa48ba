"""`probes record`: train a study, or run a training script as it is, and record every step of every run."""

from collections.abc import Sequence
from functools import reduce
from importlib import import_module
from operator import or_
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from probes.cli.pending_launch import Handover
from probes.cli.program_arguments import program_in
from probes.errors import UsageError
from probes.launch import Launch, Plan, Program, TapText, parent_ids, parse_tap
from probes.schedules import Schedule, every, parse

_PROGRAM = "probes.program"  # key in what click keeps of a call
_STUDY = "probes.cli.study_recording"  # loads torch, which a script may want to set up first
_SWEEP = "probes.cli.sweep_recording"  # likewise
_OF_A_RECIPE = ("settings", "runs", "seed", "checkpoint_seconds", "workers", "executor")
_OF_A_SCRIPT = ("taps", "name", "role", "parents")


class _Record(click.Command):
    """A command whose options end where a training script begins."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before a script, and keep the script and what follows it."""
        options = (each for each in self.params if isinstance(each, click.Option) and not each.is_flag)
        own, ctx.meta[_PROGRAM] = program_in(args, {name for each in options for name in each.opts})
        return super().parse_args(ctx, own)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a line for each form."""
        for form in ("[OPTIONS] RECIPE", "[OPTIONS] SCRIPT.py [ARGS]...", "[OPTIONS] -m MODULE [ARGS]..."):
            formatter.write_usage(ctx.command_path, form)


@click.command(cls=_Record)
@click.argument("recipe", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the runs; default runs/RECIPE, runs/SCRIPT, or with --name runs.",
)
@click.option("--force", is_flag=True, help="Begin runs that stand there anew. Recipe: go on beside another study.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Recipe: change a value, as data.sparsity=4."
)
@click.option("--runs", type=click.IntRange(min=1), help="Recipe: number of single models.")
@click.option("--seed", type=click.IntRange(min=0), help="Recipe: seed from which all others are derived.")
@click.option(
    "--checkpoint",
    "checkpoint_seconds",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Recipe: time between two checkpoints.",
)
@click.option(
    "--tap",
    "taps",
    multiple=True,
    metavar="NAME=FILE",
    help="Script: correlate parameters of that name or glob with directions; forms above.",
)
@click.option("--name", default="", help="Script: name of the run, which goes to OUT/NAME.")
@click.option("--role", default="", help='Script: what the run is for, free text, as "student".')
@click.option(
    "--parent",
    "parents",
    multiple=True,
    metavar="RUN",
    help="Script: a run that this one learns from, its path, or its id where it lies below OUT. Several are possible.",
)
@click.option("--every", "stride", type=click.IntRange(min=1), help="Record every N-th step; default every.")
@click.option("--schedule", metavar="TEXT", help='Steps to record, as "every(100) | first(20)".')
@click.option("--workers", type=click.IntRange(min=1), help="Sweep: number of processes; default this one alone.")
@click.option("--executor", metavar="ENGINE", help="Sweep: dask:ADDRESS of a scheduler, or module:factory.")
@click.option("-m", "module", metavar="MODULE", help="Script: run a module, as `python -m` does.")
@click.pass_context
def command(
    ctx: click.Context,
    recipe: str | None,
    out: Path | None,
    force: bool,
    settings: tuple[str, ...],
    runs: int | None,
    seed: int | None,
    checkpoint_seconds: float,
    taps: tuple[str, ...],
    name: str,
    role: str,
    parents: tuple[str, ...],
    stride: int | None,
    schedule: str | None,
    workers: int | None,
    executor: str | None,
    module: str | None,
) -> None:
    """Train the study RECIPE, or run a training script as it is, and record every step.

    RECIPE is a name from `probes recipes`, or a TOML file. A file with values in [grid], [random] or [[cases]] is a
    sweep: a study for each in a folder of its own, and a table, sweep.csv. Finished runs are skipped, and what was
    interrupted or killed goes on from its last checkpoint; the folder is printed at the end.

    SCRIPT.py and MODULE are run as Python runs them. What follows them is theirs, untouched; so options of `probes
    record` stand before them. Every model that an optimizer of torch.optim trains becomes a run, and its own process is
    all that can be seen: of torchrun's the one of rank 0. With --tap the correlations of neurons with directions are
    recorded, and the norms of these neurons; without it the norm of every weight, one number a step.

    \b
    --tap NAME=FILE                directions in a .npy or .safetensors file; NAME is a parameter's, or a glob
    --tap 'NAME=ESTIMATOR(FILE)'   estimated for the layer, from a .npz file of inputs (or x) and labels (or y):
                                   class_means, linear_probes; without labels, or from a .npy file of the inputs:
                                   dictionary(FILE,features=N), nonnegative_parts(FILE,features=N),
                                   patch_components(FILE,components=N); reference_weights takes a .safetensors file
                                   or a recorded run; further options follow in the brackets, as seed=1

    \b
    after either:  :transposed             neurons are the columns, as of GPT-2's Conv1D
                   :split=3,4,-1           the first axis holds 3 projections of 4 heads
                   :dims=NAMES             of the parameter's axes, as :dims=head,neuron
                   :names=NAMES            of the directions' axes, as :names=frequency,phase
                   :component=NAME         the one of them that spans one feature

    Before the first update of all every --tap has to choose a parameter, and fit it, of a model that there is by then;
    else the script ends there, with exit code 2. A model that is trained later and that no --tap suits is stated.

    With --name a script that trains one model records it as OUT/NAME, and only a run of that name is in the way; so
    calls with different names make one study. Of several models trained at once, and for those that come after the
    first, the run is NAME-CLASS-00. --role and --parent hold for every model of which the script itself states nothing
    with `probes.role(model, "student", name="student-0", parents=[teacher])`.

    \b
    Example:
      probes record theory --set runs.single=5 --out runs/theory
      probes record sweep.toml --workers 8 --out runs/sweep
      probes record --tap conv1.weight=patches.npy train.py --lr 0.1
      probes record --name seed-0 --tap 'conv1.weight=class_means(data.npz)' train.py --seed 0
      probes record --name student-0 --role student --parent runs/seed-0 distil.py
      probes record --tap '*.in_proj_weight=V.npy:split=3,4,-1' train.py
      torchrun --nproc-per-node 2 -m probes record -m package.train
    """  # noqa: D301 - the mark that click leaves lines as they are after
    words: list[str] = ctx.meta[_PROGRAM]
    _check_options(ctx, words)
    if words:
        stated = {"taps": taps, "name": name, "role": role, "parents": parents, "force": force}
        ctx.ensure_object(Handover).launch = _launch(words, out, _schedule(stride, schedule), **stated)
    elif recipe is None or (Path(recipe).is_file() and Path(recipe).suffix != ".toml"):
        got = "" if recipe is None else f", got `{recipe}`"
        raise UsageError(f"expected a recipe, its TOML file, a script that ends in .py, or -m MODULE{got}")
    else:
        options: dict[str, Any] = {"settings": settings, "runs": runs, "seed": seed, "force": force}
        options["checkpoint_seconds"] = checkpoint_seconds
        _record(recipe, out, options, stride=stride, schedule=schedule, workers=workers, executor=executor)


def _record(recipe: str, out: Path | None, options: dict[str, Any], **given: Any) -> None:
    """Record a study, or a sweep, whose file says itself which steps unless an option does."""
    chosen = _schedule(given["stride"], given["schedule"])
    among = {name: given[name] for name in ("workers", "executor")}
    sweeps = import_module(_SWEEP) if recipe.endswith(".toml") else None
    if sweeps and sweeps.is_sweep_file(recipe):
        stated = given["stride"] or given["schedule"]
        sweeps.record_sweep_file(recipe, out, **options, **among, schedule=chosen if stated else None)
        return
    named = next((name for name, value in among.items() if value is not None), "")
    if named:
        raise UsageError(f"expected `--{named}` with a sweep, got it with a recipe, whose runs train side by side")
    import_module(_STUDY).record_recipe(recipe, out, **options, schedule=chosen)


def _check_options(ctx: click.Context, words: Sequence[str]) -> None:
    """Refuse the options of the other form."""
    foreign = _OF_A_RECIPE if words else _OF_A_SCRIPT
    for each in ctx.command.params:
        if each.name in foreign and ctx.get_parameter_source(each.name) is ParameterSource.COMMANDLINE:
            of, hint = ("recipe", "; an option of the script stands after it") if words else ("script", "")
            raise UsageError(
                f"expected `{each.opts[0]}` with a {of}, got it with a {'script' if words else 'recipe'}{hint}"
            )


def _launch(words: Sequence[str], out: Path | None, schedule: Schedule, **stated: Any) -> Launch:
    """The launch of a program, checked as far as can be without running it."""
    is_module = words[0] == "-m"
    target, *arguments = words[is_module:]
    program = Program(target, tuple(arguments), is_module=is_module)
    root = out or (Path("runs") if stated["name"] else Path("runs") / program.name)
    stated |= {"taps": _taps(stated["taps"]), "parents": parent_ids(stated["parents"], root)}

    launch = Launch(Plan(program, root, schedule=schedule, **stated))
    launch.check()
    return launch


def _taps(options: Sequence[str]) -> dict[str, TapText]:
    """Parameter's name or glob -> what is tapped."""
    taps: dict[str, TapText] = {}
    for option in options:
        name, tap = parse_tap(option)
        if name in taps:
            raise UsageError(f"expected one --tap for `{name}`, got {taps[name].file} and {tap.file}")
        taps[name] = tap
    return taps


def _schedule(stride: int | None, text: str | None) -> Schedule:
    """The union of what the two options say; without any, every step."""
    strides = [] if stride is None and text is not None else [every(stride or 1)]
    try:
        parts = strides if text is None else [*strides, parse(text)]
    except ValueError as error:
        raise UsageError(str(error)) from error
    return reduce(or_, parts)
