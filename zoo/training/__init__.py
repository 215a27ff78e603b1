"""Training a built model: one step, two loops that drive it, and what happens in between."""
