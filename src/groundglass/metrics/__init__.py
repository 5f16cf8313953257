"""Measures of a segmentation; every figure of the package comes from here."""
