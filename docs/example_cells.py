# ruff: noqa: B018, D100 -- cells of a notebook: scripts/example_notebook.py runs them

# %% [markdown]
# # A recorded study, from logs to findings
#
# Record one first (seconds): `probes record tiny --out runs/tiny`. Each cell below works the same on a full study.

# %%
from probes import open_logs
from probes.analysis import claims, coverage, plots, report, winners

logs = open_logs("runs/tiny")
logs

# %% [markdown]
# One run is a log: series that are read when they are indexed, with named axes.

# %%
log = logs.by_role("single")[0]
log

# %%
log.directions("correlations")

# %%
log["correlations"].dims, log["correlations"].shape

# %% [markdown]
# What each run won, beside what its initialisation predicts.

# %%
table = winners(logs)
table.head()

# %%
figure, (ax,) = plots.canvas(5, 2.4)
plots.winners(table[table["role"] == "single"], ax)
figure

# %% [markdown]
# What several members cover together.

# %%
coverage(logs)[["members", "subsets", "coverage", "coverage_low", "coverage_high", "expected", "error_mu"]]

# %% [markdown]
# Every claim, with its interval.

# %%
claims(logs)[["claim", "variant", "expected_low", "expected_high", "measured", "low", "high", "holds"]]

# %% [markdown]
# Everything at once: as a page with `write_findings(logs, "report")`, or here.

# %%
report(logs, title="The tiny study")
