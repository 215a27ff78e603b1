"""Backpropagation through time, written by hand: an LSTM, a GRU and a simple recurrent network over whole sequences.

A recurrent layer multiplies twice in each step: the input x[t] by a kernel W, and the output h[t-1] by a recurrent
kernel U. The first product waits for no other step, so that the caller makes it for all of them at once, adds the bias,
and hands the result over, gate by gate. Walked here, forward and back, is only what has to go step by step.

Each network here is what one step does, forward and back; zoo/layers/through_time.py walks the steps.
"""

import tensorflow as tf

from zoo.layers.through_time import Steps, Tensors, stretch, walk_through_time


def lstm(x: Tensors, h: tf.Tensor, c: tf.Tensor, kernel: tf.Tensor, *, return_sequences: bool) -> list[tf.Tensor]:
    """Run a long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

        i = σ(xi[t] + h[t-1] Ui)       input gate
        f = σ(xf[t] + h[t-1] Uf)       forget gate
        g = tanh(xg[t] + h[t-1] Ug)    candidate
        o = σ(xo[t] + h[t-1] Uo)       output gate
        c[t] = f c[t-1] + i g          cell
        h[t] = o tanh(c[t])            output

    Each gate has a product of its own, because TensorFlow runs small ones side by side, each on one core: with 256
    units and a batch of 32, the four take 0.10 ms on two cores, and one that both cores share takes 0.15 ms.

    Args:
        x: The input's part of i, f, g and o, four times [time, batch, units].
        h: Output before the first step, [batch, units].
        c: Cell before the first step, [batch, units].
        kernel: Ui, Uf, Ug and Uo side by side, [units, 4 x units].
        return_sequences: Whether to return the outputs of all steps or the last one alone.

    Returns:
        The outputs, [time, batch, units] or [batch, units], and the last cell, [batch, units].
    """
    return walk_through_time(_lstm_steps, _lstm_steps_back, x, [h, c], kernel, [], return_sequences)


@stretch
def _lstm_steps(x: list[Tensors], state: Tensors, weights: Tensors) -> Steps:
    h, c = state
    ui, uf, ug, uo = weights
    steps: Steps = []
    for xi, xf, xg, xo in x:
        i = tf.sigmoid(xi + tf.matmul(h, ui))
        f = tf.sigmoid(xf + tf.matmul(h, uf))
        g = tf.tanh(xg + tf.matmul(h, ug))
        o = tf.sigmoid(xo + tf.matmul(h, uo))
        c = f * c + i * g
        tanh_c = tf.tanh(c)
        h = o * tanh_c
        steps.append((h, c, i, f, g, o, tanh_c))
    return steps


@stretch
def _lstm_steps_back(steps: Steps, d_state: Tensors, transposed: Tensors) -> tuple[Tensors, Steps]:
    """Collect δ of i, f, g and o. c[t] acts in two ways: on h[t], and on c[t+1], from where `dc` comes."""
    dh, dc = d_state
    ui, uf, ug, uo = transposed
    deltas: Steps = []
    for dh_outside, (_, c_before), (_, _, i, f, g, o, tanh_c) in steps:
        dh = dh_outside + dh
        delta_o = _through_sigmoid(o, dh * tanh_c)
        dc = dc + _through_tanh(tanh_c, dh * o)
        delta_i = _through_sigmoid(i, dc * g)
        delta_f = _through_sigmoid(f, dc * c_before)
        delta_g = _through_tanh(g, dc * i)
        dh = tf.add_n([tf.matmul(delta_i, ui), tf.matmul(delta_f, uf), tf.matmul(delta_g, ug), tf.matmul(delta_o, uo)])
        dc = dc * f
        deltas.append((delta_i, delta_f, delta_g, delta_o))
    return [dh, dc], deltas


def gru(x: Tensors, h: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, *, return_sequences: bool) -> list[tf.Tensor]:
    """Run gated recurrent units (Cho et al. 2014), with the reset gate after the product, as Keras and cuDNN have it.

        z = σ(xz[t] + h[t-1] Uz)       update gate
        r = σ(xr[t] + h[t-1] Ur)       reset gate
        a = h[t-1] Ug + b
        g = tanh(xg[t] + r a)          candidate
        h[t] = z h[t-1] + (1 - z) g    output

    Args:
        x: The input's part of z, r and g, three times [time, batch, units].
        h: Output before the first step, [batch, units].
        kernel: Uz, Ur and Ug side by side, [units, 3 x units].
        bias: b, [units].
        return_sequences: Whether to return the outputs of all steps or the last one alone.

    Returns:
        The outputs, [time, batch, units] or [batch, units].
    """
    return walk_through_time(_gru_steps, _gru_steps_back, x, [h], kernel, [bias], return_sequences)


@stretch
def _gru_steps(x: list[Tensors], state: Tensors, weights: Tensors) -> Steps:
    (h,) = state
    uz, ur, ug, bias = weights
    steps: Steps = []
    for xz, xr, xg in x:
        r = tf.sigmoid(xr + tf.matmul(h, ur))
        a = tf.nn.bias_add(tf.matmul(h, ug), bias)
        z = tf.sigmoid(xz + tf.matmul(h, uz))
        g = tf.tanh(xg + r * a)
        h = g + z * (h - g)
        steps.append((h, z, r, a, g))
    return steps


@stretch
def _gru_steps_back(steps: Steps, d_state: Tensors, transposed: Tensors) -> tuple[Tensors, Steps]:
    """Collect δ of z, r, g and a. h[t-1] acts through three products, and by what the update gate keeps of it."""
    (dh,) = d_state
    uz, ur, ug = transposed
    deltas: Steps = []
    for dh_outside, (h_before,), (_, z, r, a, g) in steps:
        dh = dh_outside + dh
        kept = dh * z
        delta_z = _through_sigmoid(z, dh * (h_before - g))
        delta_g = _through_tanh(g, dh - kept)
        delta_a = delta_g * r
        delta_r = _through_sigmoid(r, delta_g * a)
        dh = tf.add_n([kept, tf.matmul(delta_z, uz), tf.matmul(delta_r, ur), tf.matmul(delta_a, ug)])
        deltas.append((delta_z, delta_r, delta_g, delta_a))
    return [dh], deltas


def simple_rnn(x: Tensors, h: tf.Tensor, kernel: tf.Tensor, *, return_sequences: bool) -> list[tf.Tensor]:
    """Run a simple recurrent network, h[t] = tanh(x[t] + h[t-1] U) (Elman 1990).

    Args:
        x: The input's part, once [time, batch, units].
        h: Output before the first step, [batch, units].
        kernel: U, [units, units].
        return_sequences: Whether to return the outputs of all steps or the last one alone.

    Returns:
        The outputs, [time, batch, units] or [batch, units].
    """
    return walk_through_time(_simple_steps, _simple_steps_back, x, [h], kernel, [], return_sequences)


@stretch
def _simple_steps(x: list[Tensors], state: Tensors, weights: Tensors) -> Steps:
    (h,), (u,) = state, weights
    steps: Steps = []
    for (x_t,) in x:
        h = tf.tanh(x_t + tf.matmul(h, u))
        steps.append((h,))
    return steps


@stretch
def _simple_steps_back(steps: Steps, d_state: Tensors, transposed: Tensors) -> tuple[Tensors, Steps]:
    (dh,), (u,) = d_state, transposed
    deltas: Steps = []
    for dh_outside, _, (h,) in steps:
        delta = _through_tanh(h, dh_outside + dh)
        dh = tf.matmul(delta, u)
        deltas.append((delta,))
    return [dh], deltas


def _through_sigmoid(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """Return the gradient of z where y = σ(z): dy y (1 - y)."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=dy)


def _through_tanh(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """Return the gradient of z where y = tanh(z): dy (1 - y²)."""
    return tf.raw_ops.TanhGrad(y=y, dy=dy)
