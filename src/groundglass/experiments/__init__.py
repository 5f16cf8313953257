"""Experiments: the schema of a recipe, the recipes, and checkpoints that carry theirs."""
