"""Public datasets and layouts of one's own data: one file for each."""

from __future__ import annotations

from groundglass.registry import Registry

LAYOUTS = Registry(
    "layout",
    {
        "covid-semiseg": "groundglass.datasets.catalog.covid_semiseg:CovidSemiSeg",
        "covidcell": "groundglass.datasets.catalog.covidcell:CovidCell",
        "joined": "groundglass.datasets.catalog.joined:Joined",
        "medseg9": "groundglass.datasets.catalog.medseg9:MedSeg9",
        "covid-ct-seg20": "groundglass.datasets.catalog.covid_ct_seg20:CovidCtSeg20",
        "mosmed": "groundglass.datasets.catalog.mosmed:MosMed",
        "nnunet": "groundglass.datasets.catalog.nnunet:NnUNetRaw",
        "decathlon": "groundglass.datasets.catalog.decathlon:DecathlonDatalist",
        "folder": "groundglass.datasets.catalog.pairs:PairedFolders",
        "phantom": "groundglass.datasets.catalog.phantom:PhantomSet",
    },
)
