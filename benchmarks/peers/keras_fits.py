"""Stock Keras, one fit after another in one process: `python keras_fits.py jobs epochs rows units`."""

import sys
from pathlib import Path

import keras

sys.path.insert(0, str(Path(__file__).parents[2]))

import zoo
from zoo.run import load


def main(jobs: int, epochs: int, rows: int, units: int) -> None:
    """Fit MNIST's fully connected network again and again, each time under another seed."""
    config = zoo.compose("model=mnist_fcn", *([f"data.limit={rows}"] if rows else []))
    splits = load(config)
    for job in range(jobs):
        keras.utils.set_random_seed(job)
        layers = [keras.Input((784,)), keras.layers.Dense(units, "relu"), keras.layers.Dense(10)]
        model = keras.Sequential(layers)
        model.compile(
            keras.optimizers.Adam(config.optimizer.learning_rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        valid = (splits.valid.x, splits.valid.y)
        model.fit(splits.train.x, splits.train.y, batch_size=64, epochs=epochs, validation_data=valid)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
