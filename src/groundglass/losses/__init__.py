"""Losses: one a file, pure functions of tensors."""
