"""From a config section to a Keras object: optimizers, learning-rate schedules, initial weights."""
