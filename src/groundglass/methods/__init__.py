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
        "decomposition": "groundglass.methods.decomposition:LesionDecomposition",
        "vagan": "groundglass.methods.vagan:VisualAttribution",
        "bl": "groundglass.methods.bl:BiomarkerLocalization",
        "cam": "groundglass.methods.cam:CAM",
        "gradcam": "groundglass.methods.gradcam:GradCAM",
        "seam": "groundglass.methods.seam:SEAM",
        "irn": "groundglass.methods.irn:IRN",
        "icd": "groundglass.methods.icd:ICD",
        "attention-fusion": "groundglass.methods.attention_fusion:AttentionFusion",
        "mil": "groundglass.methods.mil:MultipleInstance",
        "gasnet": "groundglass.methods.gasnet:GASNet",
    },
)

BASELINES = Registry("baseline", {"smoothed-intensity": "groundglass.methods.smoothed_intensity:SmoothedIntensity"})
"""What learns nothing, so that no recipe names it."""
