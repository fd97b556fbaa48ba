"""The report's figures of causes: who had what to give, which neurons a view needs, and what never left the start."""

from collections.abc import Callable, Mapping

from probes.analysis import plots
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import canvas
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.findings.deletion import deletion_rates

__all__ = ["CAUSES"]

_WIDTH = 7.6


def _lottery(evidence: Evidence) -> Panel | None:
    table = evidence.lottery
    if not len(table) or table["view"].nunique() != 2:
        return None

    figure, axes = canvas(_WIDTH, 3)
    plots.lottery(table, axes[0])
    bare, runs = evidence.uncovered, table["runs"].iloc[0]
    listed = ", ".join(
        f"view {view} of class {class_}" for class_, view in zip(bare["class"], bare["view"], strict=True)
    )
    caption = (
        f"How often {runs} runs learned view 0 of each class. Filled: chance of another run, drawn towards the mean of "
        "all features; dash: the chance that m normal draws a view give, weighed by S. Features that no run has: "
        f"{len(bare)} of {len(table)}{': ' + listed if listed else ''}; fair coins leave {0.5**runs * len(table):.2g}."
    )
    return Panel("lottery", "How the lottery fell", caption, table, figure)


def _lessons(evidence: Evidence) -> Panel | None:
    table = evidence.lessons
    if not len(table):
        return None

    figure, axes = canvas(_WIDTH, 0.9 + 0.24 * table["run"].nunique(), margin=0.12)
    plots.lessons(table, axes[0])
    caption = (
        "Of the features that a teacher had and the student's own initialisation does not win, the share that the "
        "student learned, a dot for each teacher. Line: the 95 % interval (Wilson) of one teacher's, or from the least "
        "to the largest of several. Grey: what the teachers, without a teacher themselves, learned of such features. "
        "To the right, how many; a feature that several teachers have counts for each."
    )
    return Panel("lessons", "From which teacher", caption, table, figure)


def _rises(evidence: Evidence) -> Panel | None:
    table = evidence.growth
    if not len(table):
        return None

    figure, axes = canvas(_WIDTH / 1.6, 3.2)
    plots.rises(table, axes[0])
    caption = (
        "When each feature that came from a teacher was learned, and in how many steps it rose to half its strength."
    )

    return Panel("rises", "When and how fast", caption, table, figure)


def _unions(evidence: Evidence) -> Panel | None:
    table = evidence.unions
    caption = (
        "What one student of each kind has learned, what all of them together, and what their teachers together. Gain: "
        "by how much the students' ensemble errs less than one of them, in units of μ; null: the same of as many "
        "teachers. The theory lets distilled students gain nothing, because each has all already."
    )
    return Panel("unions", "What students have together", caption, table) if len(table) else None


def _deletion(evidence: Evidence) -> Panel | None:
    table = evidence.deletion
    if not len(table):
        return None

    figure, axes = canvas(_WIDTH, 3.6, columns=2)
    singles = table[table["role"] == "single"]
    shown = singles if len(singles) else table
    plots.deletion(shown, axes[0])
    plots.deletion_rates(deletion_rates(table), axes[1])
    means = shown[shown["learned"].astype(bool)][["before", "after", "control"]].mean()
    caption = (
        "A correlation alone does not say that a network uses a neuron. Here the neurons of a class credited with a "
        "view are muted and nothing else is changed; the control mutes those credited with the other view, chosen in "
        "the same way. A credit is causal where samples that show a learned view alone are lost without its neurons "
        f"and kept under the control. Left: {'the singles' if len(singles) else 'all runs'}, one line a view; learned "
        f"views: {means['before']:.3f} with all neurons, {means['after']:.3f} without the credited ones, "
        f"{means['control']:.3f} under the control. Right: learned views of every kind of run, with Wilson's interval "
        "over samples. Where the control falls, too, neurons carry both views."
    )
    return Panel("deletion", "What the credited neurons do", caption, table, figure)


def _bounds(evidence: Evidence) -> Panel | None:
    table = evidence.bounds
    if not len(table):
        return None

    figure, axes = canvas(_WIDTH, 3)
    plots.bounds(table, axes[0])
    beyond = table[~table["inside"].astype(bool)]
    caption = (
        f"Each class of {table['run'].nunique()} runs without a teacher, over every recorded step: {len(beyond)} of "
        f"{len(table)} are beyond their bound. Line: the bound, what the theory's O(σ0) is with its logarithms written "
        "out. A neuron far below zero was thrown there by one large step, when its class's view was decided."
    )
    return Panel("bounds", "What never left the start", caption, table, figure)


CAUSES: Mapping[str, Callable[[Evidence], Panel | None]] = {
    "how the lottery fell": _lottery,
    "from which teacher": _lessons,
    "when and how fast": _rises,
    "what students have together": _unions,
    "what the credited neurons do": _deletion,
    "what never left the start": _bounds,
}
