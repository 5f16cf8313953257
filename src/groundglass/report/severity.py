"""Severity class by the MosMed bands of lung involvement."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST_BURDEN_PERCENT = 0.05
"""A smaller burden counts as none: 2 ml in lungs of 4 l are more likely noise than disease."""

LIMITS_PERCENT = (25.0, 50.0, 75.0)


@dataclass(frozen=True)
class Severity:
    """A class of lung involvement.

    Args:
        name: ``"CT-0"`` to ``"CT-4"``.
        meaning: The band of burden it stands for, in words.
    """

    name: str
    meaning: str


CLASSES = (
    Severity("CT-0", "no lesion, or less than 0.05 % of the lungs"),
    Severity("CT-1", "less than 25 % of the lungs"),
    Severity("CT-2", "25 to 50 % of the lungs"),
    Severity("CT-3", "50 to 75 % of the lungs"),
    Severity("CT-4", "more than 75 % of the lungs"),
)


def severity(burden_percent: float) -> Severity:
    """The MosMed class of a lesion burden.

    Bands of Morozov et al., "MosMedData: Chest CT Scans with COVID-19 Related Findings", 2020,
    medRxiv 2020.05.20.20100362. They were made for readers who estimate by eye, so the ends are open to choice: here
    25 % is CT-2, 50 % and 75 % are CT-3, and a burden below 0.05 % is CT-0.

    Args:
        burden_percent: Part of both lungs that is lesion, 0 to 100.

    Example:
        >>> [severity(burden).name for burden in (0, 0.04, 0.05, 25, 50, 75, 75.1)]
        ['CT-0', 'CT-0', 'CT-1', 'CT-2', 'CT-3', 'CT-3', 'CT-4']
    """
    if burden_percent < SMALLEST_BURDEN_PERCENT:
        return CLASSES[0]
    quarter, half, most = LIMITS_PERCENT
    return CLASSES[1 + (burden_percent >= quarter) + (burden_percent >= half) + (burden_percent > most)]
