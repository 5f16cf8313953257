"""Active learning: which region is worth a person's next three seconds."""
