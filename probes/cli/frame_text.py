"""Data frames as the text of tables: of any frame, and of the claims with their verdicts."""

from typing import Any

import pandas as pd

from probes.analysis.theory.expectations import EXPECTATIONS

__all__ = ["cells", "claims_for_people"]


def claims_for_people(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of claims with its ranges in one cell each and the verdict first, then those not measured.

    Args:
        table: As `probes.analysis.theory.findings.claims` gives it.

    Example:
        >>> from probes.analysis.theory import claims
        >>> list(claims_for_people(claims([])).columns)[1:4]
        ['claim', 'variant', 'source']
    """
    ranges = {
        name: [
            "" if pd.isna(low) else f"{low:.3g} to {high:.3g}"
            for low, high in zip(table[low_of], table[high_of], strict=True)
        ]
        for name, low_of, high_of in (("expected", "expected_low", "expected_high"), ("95 %", "low", "high"))
    }

    decided = [_deciding(*pair) for pair in zip(table["verdict"], table["deciding_n"], strict=True)]
    found = pd.DataFrame({
        "": table["verdict"],
        **{name: table[name] for name in ("setting", "seed") if name in table},
        "claim": table["claim"],
        "variant": table["variant"],
        "source": table["source"],
        "expected": ranges["expected"],
        "measured": [
            f"{value:.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.3g}" for value in table["measured"]
        ],
        "95 % interval": ranges["95 %"],
        **(_over_seeds(table) if "spread" in table else {"n": table["n"].astype(str)}),
        **({"decided at n": decided} if any(decided) else {}),
    })
    said = {"": "not measured"}
    absent = [
        said | {"claim": claim, "source": known.source, "expected": f"{known.low:.3g} to {known.high:.3g}"}
        for claim, known in EXPECTATIONS.items()
        if claim in table.attrs.get("left_out", {})
    ]
    rows: list[dict[Any, Any]] = [*found.to_dict("records"), *absent]
    return pd.DataFrame([[row.get(name, "") for name in found.columns] for row in rows], columns=found.columns)


def cells(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Return a frame's headings and rows as text, numbers with four digits.

    Args:
        table: Any frame.

    Example:
        >>> cells(pd.DataFrame({"class": [0], "strength": [0.123456]}))
        (['class', 'strength'], [['0', '0.1235']])
    """
    rows = [[_text(value) for value in row] for row in table.itertuples(index=False)]

    return list(map(str, table.columns)), rows


def _over_seeds(table: pd.DataFrame) -> dict[str, list[str]]:
    counts = zip(table["seeds_hold"], table["seeds_open"], table["seeds_fail"], strict=True)

    return {
        "spread": ["unknown" if pd.isna(spread) else f"{spread:.3g}" for spread in table["spread"]],
        "seeds": table["n"].astype(str).tolist(),
        "hold/open/fail": ["/".join(map(str, each)) for each in counts],
    }


def _deciding(verdict: str, n: float) -> str:
    if verdict != "open":
        return ""
    return "none" if pd.isna(n) else f"{n:,.0f}"


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
