"""Who a set of weights is."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ModelCard:
    """Who a set of weights is; lies beside the weights as JSON.

    Attributes
    ----------
    id : str
        Name and version, "seagull-mini-0.1"; stands in every report.
    base : str
        Architecture: "seagull-mini" or "seagull".
    trained_on : str
        One sentence.
    labeler : str
        Name of the label definition, "analytic-1".
    licence : str
        SPDX name of the licence of the weights.
    created : str
        ISO date.
    sha256 : str
        Of the weights file, in hex.
    parameters : int
        Number of learned parameters.
    metrics : dict of str to float
        What was reached on the frozen protocol.
    """

    id: str
    base: str = "seagull-mini"
    trained_on: str = ""
    labeler: str = ""
    licence: str = "Apache-2.0"
    created: str = ""
    sha256: str = ""
    parameters: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
