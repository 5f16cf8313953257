"""What makes the figures of a scan doubtful, so that the report says so."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping

from groundglass.report.measurements import LUNGS
from groundglass.report.measurements import Profile
from groundglass.report.measurements import Region

USUAL_LUNGS_ML = (1000, 10000)
"""Lungs of adults in a scan lie between, breathed out with disease or breathed in."""

CUT_CM2 = 10.0
"""Lung on the first or last slice: more than the tip of a lung."""

OUTSIDE_PERCENT = 10.0


def doubts(
    regions: Mapping[str, Region], profile: Profile, outside_ml: float, *, measured: bool = True
) -> Iterator[str]:
    """One sentence for each thing a reader should know before trusting the figures.

    Where no size is known (not ``measured``), nothing is said that follows from sizes.
    """
    both = regions["both"]
    low, high = USUAL_LUNGS_ML
    if measured and not low <= both.lung_ml <= high:
        kind = "little" if both.lung_ml < low else "much"
        yield f"The lung mask holds {both.lung_ml:,.0f} ml, which is {kind} for an adult: check it before use."
    for side in LUNGS.values():
        if regions[side].lung_ml == 0:
            yield f"The lung mask holds no {side} lung."
    if measured and len(profile.lung_cm2) > 1 and max(profile.lung_cm2[0], profile.lung_cm2[-1]) > CUT_CM2:
        yield "The lungs reach the first or the last slice: part of them may not be in the scan."
    marked_ml = both.lesion_ml + outside_ml
    if outside_ml > OUTSIDE_PERCENT / 100 * marked_ml:
        yield (
            f"{100 * outside_ml / marked_ml:.0f} % of what is marked as lesion lies outside the lung mask and is not "
            "counted: the lung mask may have lost consolidated lung, or the lesion mask may be wrong there."
        )
