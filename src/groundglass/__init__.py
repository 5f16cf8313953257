"""groundglass: train a chest-CT lesion segmenter from the labels you can afford."""

__version__ = "0.1.0"
