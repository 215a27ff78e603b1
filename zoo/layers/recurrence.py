"""Backpropagation through time, written by hand: an LSTM, a GRU and a simple recurrent network over whole sequences.

A recurrent layer multiplies twice in each step: the input x[t] by a kernel W, and the output h[t-1] by a recurrent
kernel U. The first product needs no step before it, so that the caller makes it for all steps at once, adds the bias,
and hands the result over, gate by gate. Walked here, forward and back, is only what has to go step by step.

On the way back, δ[t] is the gradient of what enters an activation function in step t. It leads to the gradients of

    h[t-1]  by δ[t] Uᵀ, the next step of the walk,
    x[t]    as it is, because x[t] enters by an addition,
    U       by Σ h[t-1]ᵀ δ[t] over all steps: one large product after the walk, where automatic differentiation makes
            a small one in each step, and adds them up.

Each gate has a product of its own, because TensorFlow runs small ones side by side, each on one core. Of a batch of 32
and 256 units, the four products of an LSTM's step take 0.10 ms in this way on two cores; one of them all, shared
between the cores, takes 0.15 ms. As many steps stand in the graph as the sequence has.

Gradients are of the first order: the way back cannot be differentiated again.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

# A step is traced once for each shape and stands in the graph as one call, which keeps tracing short. TensorFlow puts
# the operations in its place before it runs the graph.
_traced_once = tf.function(autograph=False)


def lstm(
    x: Sequence[tf.Tensor], h: tf.Tensor, c: tf.Tensor, kernel: tf.Tensor, *, return_sequences: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """Run a long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

        i = σ(xi[t] + h[t-1] Ui)       input gate
        f = σ(xf[t] + h[t-1] Uf)       forget gate
        g = tanh(xg[t] + h[t-1] Ug)    candidate
        o = σ(xo[t] + h[t-1] Uo)       output gate
        c[t] = f c[t-1] + i g          cell
        h[t] = o tanh(c[t])            output

    Args:
        x: The input's part of i, f, g and o, four times [time, batch, units].
        h: Output before the first step, [batch, units].
        c: Cell before the first step, [batch, units].
        kernel: Ui, Uf, Ug and Uo side by side, [units, 4 x units].
        return_sequences: Whether to return the outputs of all steps or the last one alone.

    Returns:
        The outputs, [time, batch, units] or [batch, units], and the last cell, [batch, units].
    """

    @tf.custom_gradient
    def walk(*arguments: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Any]:
        *x, h, c, kernel = arguments
        kernels = tf.split(kernel, 4, axis=1)
        outputs, cells, gates = [h], [c], []
        for x_t in _steps(x):
            h, c, *gates_t = _lstm_step(*x_t, h, c, *kernels)
            outputs.append(h)
            cells.append(c)
            gates.append(gates_t)
        history = tf.stack(outputs)

        def walk_back(d_outputs: tf.Tensor, dc: tf.Tensor) -> tuple[tf.Tensor, ...]:
            transposed = [tf.transpose(kernel) for kernel in kernels]
            d_above = _from_above(d_outputs, len(gates), return_sequences)
            dh, collected = tf.zeros_like(h), []
            for t in reversed(range(len(gates))):
                dh, dc, *deltas = _lstm_step_back(d_above[t], dh, dc, cells[t], *gates[t], *transposed)
                collected.append(deltas)
            deltas = _in_order(collected)
            return *deltas, dh, dc, _kernel_gradient(history, deltas)

        return (history[1:] if return_sequences else h, c), walk_back

    return walk(*x, h, c, kernel)


@_traced_once
def _lstm_step(
    xi: tf.Tensor, xf: tf.Tensor, xg: tf.Tensor, xo: tf.Tensor, h: tf.Tensor, c: tf.Tensor, *kernels: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    ui, uf, ug, uo = kernels
    i = tf.sigmoid(xi + tf.matmul(h, ui))
    f = tf.sigmoid(xf + tf.matmul(h, uf))
    g = tf.tanh(xg + tf.matmul(h, ug))
    o = tf.sigmoid(xo + tf.matmul(h, uo))
    c = f * c + i * g
    tanh_c = tf.tanh(c)
    return o * tanh_c, c, i, f, g, o, tanh_c


@_traced_once
def _lstm_step_back(
    d_above: tf.Tensor, dh: tf.Tensor, dc: tf.Tensor, c_before: tf.Tensor, *gates_and_transposed: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Return the gradients of h[t-1] and c[t-1], and δ[t] of i, f, g and o.

    c[t] acts in two ways: on h[t], and on c[t+1], from which `dc` comes.
    """
    i, f, g, o, tanh_c, ui, uf, ug, uo = gates_and_transposed
    dh = d_above + dh
    delta_o = _through_sigmoid(o, dh * tanh_c)
    dc = dc + _through_tanh(tanh_c, dh * o)
    delta_i = _through_sigmoid(i, dc * g)
    delta_f = _through_sigmoid(f, dc * c_before)
    delta_g = _through_tanh(g, dc * i)
    products = zip((delta_i, delta_f, delta_g, delta_o), (ui, uf, ug, uo), strict=True)
    dh = tf.add_n([tf.matmul(delta, u) for delta, u in products])
    return dh, dc * f, delta_i, delta_f, delta_g, delta_o


def gru(
    x: Sequence[tf.Tensor], h: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, *, return_sequences: bool
) -> tuple[tf.Tensor]:
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

    @tf.custom_gradient
    def walk(*arguments: tf.Tensor) -> tuple[tf.Tensor, Any]:
        *x, h, kernel, bias = arguments
        kernels = tf.split(kernel, 3, axis=1)
        outputs, gates = [h], []
        for x_t in _steps(x):
            h, *gates_t = _gru_step(*x_t, h, *kernels, bias)
            outputs.append(h)
            gates.append(gates_t)
        history = tf.stack(outputs)

        def walk_back(d_outputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
            transposed = [tf.transpose(kernel) for kernel in kernels]
            d_above = _from_above(d_outputs, len(gates), return_sequences)
            dh, collected = tf.zeros_like(h), []
            for t in reversed(range(len(gates))):
                dh, *deltas = _gru_step_back(d_above[t], dh, outputs[t], *gates[t], *transposed)
                collected.append(deltas)
            delta_z, delta_r, delta_g, delta_a = _in_order(collected)
            d_kernel = _kernel_gradient(history, [delta_z, delta_r, delta_a])
            return delta_z, delta_r, delta_g, dh, d_kernel, tf.reduce_sum(delta_a, axis=(0, 1))

        return history[1:] if return_sequences else h, walk_back

    return (walk(*x, h, kernel, bias),)


@_traced_once
def _gru_step(
    xz: tf.Tensor, xr: tf.Tensor, xg: tf.Tensor, h: tf.Tensor, *kernels_and_bias: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    uz, ur, ug, bias = kernels_and_bias
    r = tf.sigmoid(xr + tf.matmul(h, ur))
    a = tf.nn.bias_add(tf.matmul(h, ug), bias)
    z = tf.sigmoid(xz + tf.matmul(h, uz))
    g = tf.tanh(xg + r * a)
    return g + z * (h - g), z, r, a, g


@_traced_once
def _gru_step_back(
    d_above: tf.Tensor, dh: tf.Tensor, h_before: tf.Tensor, *gates_and_transposed: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Return the gradient of h[t-1], and δ[t] of z, r, g and a.

    h[t-1] acts in four ways: by what the update gate keeps of it, and by three products.
    """
    z, r, a, g, uz, ur, ug = gates_and_transposed
    dh = d_above + dh
    kept = dh * z
    delta_z = _through_sigmoid(z, dh * (h_before - g))
    delta_g = _through_tanh(g, dh - kept)
    delta_a = delta_g * r
    delta_r = _through_sigmoid(r, delta_g * a)
    dh = tf.add_n([kept, tf.matmul(delta_z, uz), tf.matmul(delta_a, ug), tf.matmul(delta_r, ur)])
    return dh, delta_z, delta_r, delta_g, delta_a


def simple_rnn(x: Sequence[tf.Tensor], h: tf.Tensor, kernel: tf.Tensor, *, return_sequences: bool) -> tuple[tf.Tensor]:
    """Run a simple recurrent network, h[t] = tanh(x[t] + h[t-1] U) (Elman 1990).

    Args:
        x: The input's part, once [time, batch, units].
        h: Output before the first step, [batch, units].
        kernel: U, [units, units].
        return_sequences: Whether to return the outputs of all steps or the last one alone.

    Returns:
        The outputs, [time, batch, units] or [batch, units].
    """

    @tf.custom_gradient
    def walk(x: tf.Tensor, h: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
        outputs = [h]
        for (x_t,) in _steps([x]):
            h = tf.tanh(x_t + tf.matmul(h, kernel))
            outputs.append(h)
        history = tf.stack(outputs)

        def walk_back(d_outputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
            transposed = tf.transpose(kernel)
            d_above = _from_above(d_outputs, len(outputs) - 1, return_sequences)
            dh, collected = tf.zeros_like(h), []
            for t in reversed(range(len(d_above))):
                delta = _through_tanh(outputs[t + 1], d_above[t] + dh)
                dh = tf.matmul(delta, transposed)
                collected.append([delta])
            (delta,) = _in_order(collected)
            return delta, dh, _kernel_gradient(history, [delta])

        return history[1:] if return_sequences else h, walk_back

    return (walk(*x, h, kernel),)


def _steps(x: Sequence[tf.Tensor]) -> Iterator[tuple[tf.Tensor, ...]]:
    return zip(*[tf.unstack(gate) for gate in x], strict=True)


def _from_above(d_outputs: tf.Tensor, steps: int, return_sequences: bool) -> list[tf.Tensor]:
    """Return the gradient that reaches each output from outside the recurrence."""
    if return_sequences:
        return tf.unstack(d_outputs)
    return [tf.zeros_like(d_outputs)] * (steps - 1) + [d_outputs]


def _through_sigmoid(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """Return the gradient of z where y = σ(z): dy y (1 - y)."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=dy)


def _through_tanh(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """Return the gradient of z where y = tanh(z): dy (1 - y²)."""
    return tf.raw_ops.TanhGrad(y=y, dy=dy)


def _in_order(collected: list[list[tf.Tensor]]) -> list[tf.Tensor]:
    """Stack each kind of δ, collected from the last step to the first, as [time, batch, units]."""
    return [tf.stack(kind) for kind in zip(*reversed(collected), strict=True)]


def _kernel_gradient(history: tf.Tensor, deltas: list[tf.Tensor]) -> tf.Tensor:
    """Return Σ h[t-1]ᵀ δ[t], gate beside gate, from all outputs, [time + 1, batch, units]."""
    before = tf.reshape(history[:-1], (-1, history.shape[2]))
    rows = [tf.reshape(delta, (-1, history.shape[2])) for delta in deltas]
    return tf.concat([tf.matmul(before, row, transpose_a=True) for row in rows], axis=1)
