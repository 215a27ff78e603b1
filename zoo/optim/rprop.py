"""Resilient backpropagation with weight-backtracking, which Keras lacks."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class Rprop(keras.optimizers.Optimizer):
    """Optimizer that implements Rprop (resilient backpropagation), with weight-backtracking.

    Each weight has a step size of its own. It grows while the sign of the weight's gradient stays, and shrinks when
    the sign changes: the last step went over a minimum, and is taken back. The size of the gradient plays no part, so
    the gradient has to be that of the whole data set (`batch_size=full`): noise of mini-batches would flip the signs.

    With `g` the gradient, `d` the step size, and those of the last update marked `'`:

        g' g > 0:  d = min(d' * eta_plus, step_max),   w = w - sign(g) d
        g' g < 0:  d = max(d' * eta_minus, step_min),  w = w + sign(g') d'   and g counts as 0 at the next update
        g' g = 0:  d = d',                             w = w - sign(g) d

    This is the algorithm as first published, called Rprop+ by Igel & Hüsken (2000) to tell it from later variants
    without backtracking (torch.optim.Rprop is one: it skips a step, but does not take the last one back).

    Args:
        learning_rate: Float, where each step size starts (Δ₀ of the paper). Only the first update reads it: a schedule
            has no effect. Defaults to `0.1`.
        eta_plus: Float above 1, growth of a step. Defaults to `1.2`.
        eta_minus: Float between 0 and 1, shrinkage of a step. Defaults to `0.5`.
        step_min: Float, the smallest step. Defaults to `1e-6`.
        step_max: Float, the largest step. Defaults to `50.0`.
        **kwargs: What every Keras optimizer takes. Weight decay is scaled by `learning_rate`, not by the steps.

    References:
        - [Riedmiller & Braun, 1993](https://doi.org/10.1109/ICNN.1993.298623), A direct adaptive method for faster
          backpropagation learning: the RPROP algorithm
        - Igel & Hüsken, 2000, Improving the Rprop learning algorithm
    """

    def __init__(
        self,
        learning_rate: float = 0.1,
        eta_plus: float = 1.2,
        eta_minus: float = 0.5,
        step_min: float = 1e-6,
        step_max: float = 50.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        if not 0 < eta_minus < 1 < eta_plus:
            raise ValueError(f"Expected 0 < eta_minus < 1 < eta_plus. Received: {eta_minus=}, {eta_plus=}")
        if not 0 < step_min <= step_max:
            raise ValueError(f"Expected 0 < step_min <= step_max. Received: {step_min=}, {step_max=}")
        self.eta_plus = eta_plus
        self.eta_minus = eta_minus
        self.step_min = step_min
        self.step_max = step_max

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the two slots of each weight: its step size, and the sign of its last gradient."""
        if self.built:
            return
        super().build(variables)
        self._steps, self._signs = self.add_optimizer_variables(variables, ["step", "sign"])

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable; every operation is elementwise, so that stacked variables update independently."""
        gradient = ops.cast(tf.convert_to_tensor(gradient), variable.dtype)  # an embedding's gradient is sparse
        index = self._get_variable_index(variable)
        # A step of 0 has not started: so `learning_rate` may be set, or differ between stacked models, until training.
        step = ops.where(self._steps[index] > 0, self._steps[index], ops.cast(learning_rate, variable.dtype))
        # Products of signs, not of gradients: those of two tiny gradients would underflow to 0.
        sign, last_sign = ops.sign(gradient), ops.convert_to_tensor(self._signs[index])
        agreement = sign * last_sign
        grown = ops.minimum(step * self.eta_plus, self.step_max)
        shrunk = ops.maximum(step * self.eta_minus, self.step_min)
        new_step = ops.where(agreement > 0, grown, ops.where(agreement < 0, shrunk, step))
        # The last update was -last_sign * step exactly, so it needs no slot of its own.
        self.assign_add(variable, ops.where(agreement < 0, last_sign * step, -sign * new_step))
        self.assign(self._steps[index], new_step)
        self.assign(self._signs[index], ops.where(agreement < 0, ops.zeros_like(sign), sign))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal optimizer."""
        names = ("eta_plus", "eta_minus", "step_min", "step_max")
        return super().get_config() | {name: getattr(self, name) for name in names}
