"""What the machine's arithmetic can do: large matrix products, by the library that the others stand on."""

import time
from typing import Any

import keras


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Multiply two float32 matrices [size, size] again and again.

    Args:
        spec: `size`, `times`.

    Returns:
        `gflops`: 10^9 floating point operations a second, of the median product.
    """
    size = spec["size"]
    a, b = (keras.random.normal((size, size), seed=seed) for seed in (1, 2))
    seconds = []
    for _ in range(spec["times"] + 1):
        began = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.matmul(a, b)[0, 0])
        seconds.append(time.perf_counter() - began)
    median = sorted(seconds[1:])[spec["times"] // 2]
    return {"gflops": 2 * size**3 / median / 1e9}
