"""Text that a language model writes: one token after another, each drawn from what the model expects next.

Drawing a token and asking for the next logits happens inside one compiled loop, with the model's state carried in its
variables: a call from Python for each token costs ten times the arithmetic.
"""

from collections.abc import Callable, Collection, Sequence

import keras
import numpy as np
import tensorflow as tf

from zoo.models.drawing import check

NextLogits = Callable[[tf.Tensor], tf.Tensor]


class Writer:
    """Goes on with a text.

    Args:
        next_logits: From the tokens that are new to it, int32 [1, t], to the logits of the token after them, float32
            [vocabulary], inside a graph. It carries its own state.
        vocabulary_size: Number of tokens.
        temperature: Divides the logits. Below 1 the likely becomes likelier; 0 always takes the likeliest.
        top_k: Draw from the likeliest `top_k` tokens alone; None: from all.
        top_p: Draw from the fewest of the likeliest tokens that together have this probability at least (the nucleus:
            Holtzman et al. 2020), at the temperature and among those that `top_k` leaves; None: from all.
        seed: The same seed draws the same tokens.
        banned: Ids that are never produced, such as that of `<unk>`.

    Raises:
        ValueError: A number is out of range, or no token is left to draw.
    """

    def __init__(
        self,
        next_logits: NextLogits,
        vocabulary_size: int,
        *,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        banned: Collection[int] = (),
    ):
        check(temperature, top_k, top_p)
        if len(set(banned)) >= vocabulary_size:
            raise ValueError("No token is left to draw: every one is banned.")
        barred = np.zeros(vocabulary_size, np.float32)
        barred[list(banned)] = -np.inf
        self._newest: list[int] = []
        self._position = 0
        scalar = tf.TensorSpec([], tf.int32)

        def draw(logits: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
            logits = tf.cast(logits, tf.float32) + barred
            if temperature == 0:
                return tf.argmax(logits, output_type=tf.int32)
            # The largest becomes 0 before anything is divided: nothing overflows, however low the temperature.
            scaled = tf.maximum((logits - tf.reduce_max(logits)) / max(temperature, 1e-30), -1e30)
            scaled = tf.where(tf.math.is_inf(logits), -np.inf, scaled)
            # The likeliest of logits with Gumbel noise is a draw from their softmax (Gumbel 1954). Each position has
            # noise of its own, so that the text does not depend on how many tokens are asked for at a time.
            uniform = tf.random.stateless_uniform(
                [vocabulary_size], [seed, position], minval=np.finfo(np.float32).tiny, alg="philox"
            )
            noise = -tf.math.log(-tf.math.log(uniform))
            if top_k is None and top_p is None:
                return tf.argmax(scaled + noise, output_type=tf.int32)
            likeliest, ids = tf.math.top_k(scaled, min(top_k or vocabulary_size, vocabulary_size))
            if top_p is not None:
                before = tf.cumsum(tf.nn.softmax(likeliest), exclusive=True)
                likeliest = tf.where(before < top_p, likeliest, -np.inf)
            return ids[tf.argmax(likeliest + tf.gather(noise, ids), output_type=tf.int32)]

        @tf.function(input_signature=[tf.TensorSpec([1, None], tf.int32), scalar, scalar])
        def write(newest: tf.Tensor, position: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            logits = next_logits(newest)
            are_numbers = is_sound(logits)
            token = draw(logits, position)
            tokens = tf.TensorArray(tf.int32, count).write(0, token)
            index = tf.constant(1)
            while index < count:
                logits = next_logits(tf.reshape(token, [1, 1]))
                are_numbers = tf.logical_and(are_numbers, is_sound(logits))
                token = draw(logits, position + index)
                tokens = tokens.write(index, token)
                index += 1
            return tokens.stack(), are_numbers

        def is_sound(logits: tf.Tensor) -> tf.Tensor:
            return tf.reduce_all(logits < np.inf)  # -inf is impossible, no fault; NaN is less than nothing

        self._write = write

    def read(self, ids: Sequence[int]) -> None:
        """Take in the tokens to go on from."""
        self._newest += [int(one) for one in ids]

    def write(self, count: int) -> list[int]:
        """Return the next tokens; called again, it goes on from there.

        Raises:
            ValueError: Nothing was read yet, or the logits are not numbers.
        """
        if count == 0:
            return []
        if not self._newest:
            raise ValueError("A prompt needs at least one token. Received: none.")
        tokens, are_numbers = self._write(tf.constant([self._newest]), tf.constant(self._position), tf.constant(count))
        if not are_numbers:
            raise ValueError("The logits hold NaN or inf: the model has diverged, or its weights are damaged.")
        ids = tokens.numpy().tolist()
        self._newest = ids[-1:]
        self._position += count
        return ids


def next_logits(model: keras.Model, *, gives_probabilities: bool = False, window: int | None = None) -> NextLogits:
    """Return the logits of the token after the newest, by a language model with batch size 1.

    Args:
        model: Puts out [1, time, vocabulary], or [1, vocabulary] after the last token alone.
        gives_probabilities: Whether it ends in a softmax.
        window: None for a model whose layers carry state from call to call. Any other is shown this many of the last
            tokens each time.
    """

    def logits(ids: tf.Tensor) -> tf.Tensor:
        output = model(ids, training=False)[0]
        output = output[-1] if output.shape.rank == 2 else output
        return tf.math.log(output + 1e-20) if gives_probabilities else output

    if window is None:
        return logits
    held = tf.Variable(np.zeros((1, 0), np.int32), shape=tf.TensorShape([1, None]))

    def after(ids: tf.Tensor) -> tf.Tensor:
        return logits(held.assign(tf.concat([held, ids], axis=1)[:, -window:], read_value=True))

    return after
