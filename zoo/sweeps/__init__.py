"""A sweep as one thing: from a grid of runs to one parent run, its children, and its answer."""
