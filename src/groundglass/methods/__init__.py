"""Methods: one file for each published system, by name."""

from __future__ import annotations

from groundglass.registry import Registry

METHODS = Registry(
    "method",
    {
        "full": "groundglass.methods.full:FullSupervision",
        "points": "groundglass.methods.points:PointSupervision",
        "mixed": "groundglass.methods.mixed:MixedLabels",
        "consistency": "groundglass.methods.consistency:PointConsistency",
        "counting": "groundglass.methods.counting:LesionCounting",
        "mil": "groundglass.methods.mil:MultipleInstance",
        "gasnet": "groundglass.methods.gasnet:GASNet",
    },
)
