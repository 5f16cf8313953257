"""Methods: one file for each published system, by name."""

from __future__ import annotations

from groundglass.registry import Registry

METHODS = Registry(
    "method",
    {
        "full": "groundglass.methods.full:FullSupervision",
        "points": "groundglass.methods.points:PointSupervision",
        "consistency": "groundglass.methods.consistency:PointConsistency",
    },
)
