# ruff: noqa: B018, D100 -- cells of a notebook: scripts/example_notebook.py runs them

# %% [markdown]
# # A recorded study, from logs to findings
#
# Record one first (seconds): `probes record tiny --out runs/tiny`. Each cell below works the same on a full study.

# %%
from probes.analysis import open_study
from probes.analysis.plots import canvas
from probes.analysis.theory import claims, coverage
from probes.analysis.theory.findings import winning_set

study = open_study("runs/tiny")
study

# %% [markdown]
# A study is the runs under a folder, as they are now. One run is a log: series that are read when they are indexed,
# with named axes.

# %%
log = study.members[0]
log

# %%
log.directions("correlations")

# %%
log["correlations"].dims, log["correlations"].shape

# %% [markdown]
# What each run won, beside what its initialisation predicts. Every table is a pandas DataFrame, computed once a
# study.

# %%
table = winning_set.winning_set(study)
table.head()

# %%
figure, (ax,) = canvas(5, 2.4)
winning_set.draw(table[table["role"] == "single"], ax)
figure

# %% [markdown]
# What several members cover together.

# %%
coverage(study)[["members", "subsets", "coverage", "coverage_low", "coverage_high", "expected", "error_mu"]]

# %% [markdown]
# Every claim, with its interval.

# %%
claims(study)[["claim", "variant", "expected_low", "expected_high", "measured", "low", "high", "verdict"]]

# %% [markdown]
# Everything at once: as a page with `study.report("report")`, or here.

# %%
study.report(title="The tiny study")
