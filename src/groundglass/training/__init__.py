"""Training: a recipe and a dataset in, a run folder out."""
