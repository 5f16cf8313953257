"""Datasets: cases on disk, patient-level splits, samples and augmentation."""
