"""Networks: ``nn.Module`` from image to lesion logits, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from groundglass.registry import Registry

if TYPE_CHECKING:
    from torch import nn

NETWORKS = Registry(
    "network",
    {
        "unet": "groundglass.networks.unet:UNet",
        "plain-unet": "groundglass.networks.plain_unet:PlainUNet",
        "fcn8": "groundglass.networks.fcn8:FCN8",
        "decomposition": "groundglass.networks.decomposition:DecompositionNet",
        "map-generator": "groundglass.networks.vagan:MapGenerator",
        "light-unet": "groundglass.networks.light_unet:LightUNet",
        "classifier": "groundglass.networks.classifier:Classifier",
        "unet3d": "groundglass.networks.unet3d:UNet3d",
        "vnet": "groundglass.networks.monai_volumes:VNet",
        "unet-plus-plus": "groundglass.networks.monai_volumes:UNetPlusPlus3d",
    },
)

VOLUME_NETWORKS = ("unet3d", "vnet", "unet-plus-plus")
"""Those that take volumes; the others take slices."""

SLICE_SEGMENTERS = ("unet", "plain-unet", "fcn8", "light-unet")
"""Those that give a logit of lesion for each pixel of a slice."""

AUXILIARY = Registry(
    "network",
    {
        "gasnet-generator": "groundglass.networks.gasnet_generator:GasnetGenerator",
        "gasnet-discriminator": "groundglass.networks.gasnet_discriminator:GasnetDiscriminator",
    },
)
"""Networks that help another one to learn and are not needed to predict."""


def build_network(name: str, options: dict[str, Any]) -> nn.Module:
    """The network ``name`` with its options; its input is ``(B, 1, *spatial)`` in [0, 1], its output logits of that
    size, for the classifier a coarser class activation map.

    Raises:
        InputError: If there is no such network or option.
    """
    from torch import nn

    if name == "fcn8":
        from groundglass.networks.imagenet import ImageNetInput

        return nn.Sequential(ImageNetInput(), NETWORKS.build(name, options, in_channels=3))
    network: nn.Module = NETWORKS.build(name, options)
    return network
