"""Random shifts and rotations of small pictures, inside the model, so that both training loops see the same ones."""

import math
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class RandomAffine(keras.layers.Layer):
    """Shift and rotate flattened pictures by random amounts in training; leave them as they are otherwise.

    Each picture is resampled bilinearly at x' = R(θ)(x - centre) + centre + t; what comes from outside is 0. Written
    in plain gathers, it compiles with XLA, which Keras's own RandomRotation does not.

    Args:
        image_shape: Height and width of a picture; the input is float [batch, height × width].
        shift: Move by up to `max_shift` pixels in each direction.
        rotate: Turn by up to `max_degrees` to either side.
        max_shift: In pixels. Defaults to 2 of 28, in proportion.
        max_degrees: Defaults to 10.
        seed: Of the random amounts.
    """

    def __init__(
        self,
        image_shape: tuple[int, int],
        shift: bool = True,
        rotate: bool = True,
        max_shift: float | None = None,
        max_degrees: float = 10.0,
        seed: int | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.image_shape = (int(image_shape[0]), int(image_shape[1]))
        self.shift, self.rotate = shift, rotate
        self.max_shift = self.image_shape[0] * 2 / 28 if max_shift is None else max_shift
        self.max_degrees = max_degrees
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the pictures, distorted if `training`; float [batch, height × width]."""
        if not training:
            return inputs
        height, width = self.image_shape
        batch = ops.shape(inputs)[0]

        def amounts(limit: float) -> Any:
            return keras.random.uniform((batch, 1), -limit, limit, seed=self.seed_generator, dtype="float32")

        angle = amounts(math.radians(self.max_degrees)) if self.rotate else ops.zeros((batch, 1))
        down = amounts(self.max_shift) if self.shift else ops.zeros((batch, 1))
        right = amounts(self.max_shift) if self.shift else ops.zeros((batch, 1))

        rows, columns = ops.meshgrid(ops.arange(height), ops.arange(width), indexing="ij")
        y = ops.reshape(ops.cast(rows, "float32"), (1, -1)) - (height - 1) / 2
        x = ops.reshape(ops.cast(columns, "float32"), (1, -1)) - (width - 1) / 2
        cosine, sine = ops.cos(angle), ops.sin(angle)
        source_y = cosine * y + sine * x + (height - 1) / 2 + down
        source_x = cosine * x - sine * y + (width - 1) / 2 + right
        return ops.cast(self._bilinear(ops.cast(inputs, "float32"), source_y, source_x), inputs.dtype)

    def _bilinear(self, pictures: Any, y: Any, x: Any) -> Any:
        height, width = self.image_shape
        top, left = ops.floor(y), ops.floor(x)
        total = 0.0
        for row in (top, top + 1):
            for column in (left, left + 1):
                weight = (1 - ops.abs(y - row)) * (1 - ops.abs(x - column))
                inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
                index = ops.clip(row, 0, height - 1) * width + ops.clip(column, 0, width - 1)
                value = ops.take_along_axis(pictures, ops.cast(index, "int32"), axis=1)
                total = total + ops.where(inside, weight * value, 0.0)
        return total

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "shift": self.shift,
            "rotate": self.rotate,
            "max_shift": self.max_shift,
            "max_degrees": self.max_degrees,
            "seed": self.seed,
        }
