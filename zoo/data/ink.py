"""What is ink in a photograph or a scan, and what is paper, which has noise and lies in uneven light.

Pictures with paper of one value, as a drawing program makes them, need none of this; `zoo.data.pictures` reads both.
"""

import math

import numpy as np

SMALL = 64
"""Pixels of the longer side: no photograph or scan is smaller, and each pixel may be meant."""
_SIDE = 256  # pixels of the longer side at which ink is looked for: what is averaged has less noise
_GRID = 32  # of the longer side, for the fit of the light
_MARGIN = 0.1  # of the picture's sides
_WEAK = 0.4  # of the ink's strength: less is no stroke, but its edge, or a wrinkle of the paper
_FAINTEST = 0.08  # of the lightest pixel: a difference in light that paper, or a JPEG of it, has too
_SPECK = 0.03  # of the heaviest stroke: lighter ones are dust


def is_even(light: np.ndarray) -> bool:
    """Return whether the paper of a picture, float [h, w], has one value, so that it needs no estimate."""
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    off = np.abs(border - np.median(border)) > 0.015 * max(np.ptp(light), 1e-12)
    return bool(off.mean() <= (0.1 if max(light.shape) > SMALL else 0.5))


def lifted(light: np.ndarray, stroke: float | None) -> np.ndarray | None:
    """Return the ink of a picture with uneven or noisy paper, cut out.

    Args:
        light: float [h, w], in any unit.
        stroke: The width of the widest stroke, in parts of the longer side; what is wider, such as the shadow of a
            hand, is paper. None: ink may be of any width, and only a shadow without an edge is told from it.

    Returns:
        float64 [h', w'], 0 for the paper and 1 for the ink; None where nothing stands out from the noise.
    """
    small = _reduced(light, _SIDE)
    found = _found(small, stroke)
    if found is None:
        return None
    top, bottom, left, right = _box(found > 0)
    height, width = bottom - top, right - left
    if max(height, width) > 0.4 * max(small.shape) or max(small.shape) == max(light.shape):
        return found
    margin = max(height, width) // 2 + 1
    scale = [own / side for own, side in zip(light.shape, small.shape, strict=True)]
    rows = slice(max(0, int((top - margin) * scale[0])), int((bottom + margin) * scale[0]))
    columns = slice(max(0, int((left - margin) * scale[1])), int((right + margin) * scale[1]))
    closer = lifted(light[rows, columns], stroke)
    return found if closer is None else closer


def without_specks(ink: np.ndarray) -> np.ndarray:
    """Return the ink, float [h, w], without what hangs together with hardly any of it."""
    return np.where(_strokes(ink, ink > 0), ink, 0.0)


def _found(light: np.ndarray, stroke: float | None) -> np.ndarray | None:
    """Return the ink of a picture of at most `_SIDE` pixels, of its size, or None."""
    from scipy import ndimage

    rest = light - _slope(light, inside=0.01 if stroke is None else 0.25)
    some = 3 * _spread(rest)
    if np.square(np.clip(rest - some, 0, None)).sum() < np.square(np.clip(-rest - some, 0, None)).sum():
        rest = -rest  # the ink is dark
    fine = max(light.shape) / _SIDE
    smooth = ndimage.gaussian_filter(rest, fine)
    paper = np.zeros_like(smooth)
    if stroke is not None:
        # An opening takes away what is narrower than its window, which is the ink, and keeps the edge of a shadow.
        window = max(3, round(stroke * max(light.shape)))
        paper = ndimage.grey_opening(smooth, size=(window, window))
    paper += np.median((smooth - paper)[_margin(light.shape)])
    smooth, rest = smooth - paper, rest - paper
    clear = max(_clear(smooth.size) * _spread(smooth), _FAINTEST * np.abs(light).max(), 1e-12)
    if not (smooth > clear).any():
        return None
    strength = _strength(smooth[smooth > clear])
    strokes = _strokes(smooth, smooth > max(clear, _WEAK * strength))
    # A stroke's edge, grey as those of MNIST are, belongs to it; what lies further off is paper, whatever its noise.
    edges = ndimage.binary_dilation(strokes, iterations=max(1, round(2 * fine)))
    return np.where(edges, np.clip(rest / _strength(smooth[strokes]), 0, 1), 0.0)


def _strength(values: np.ndarray) -> float:
    return float(np.percentile(values, 90))


def _strokes(ink: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return where ink is, bool [h, w], without the specks."""
    from scipy import ndimage

    labels, count = ndimage.label(where, np.ones((3, 3)))
    masses = ndimage.sum_labels(ink, labels, np.arange(count + 1))
    masses[0] = 0
    return (masses >= _SPECK * masses.max())[labels] & where


def _spread(values: np.ndarray) -> float:
    """Return the standard deviation of the paper: of most pixels, or of most in the margin (1.48 of the median off)."""
    parts = (values, values[_margin(values.shape)])
    return 1.4826 * min(float(np.median(np.abs(part - np.median(part)))) for part in parts)


def _margin(shape: tuple[int, ...]) -> np.ndarray:
    """Return which pixels are near the border, where there seldom is ink, bool [h, w]."""
    depths = (np.minimum(np.arange(side), np.arange(side)[::-1]) for side in shape)
    rows, columns = (depth < max(1, _MARGIN * side) for depth, side in zip(depths, shape, strict=True))
    return rows[:, None] | columns


def _clear(pixels: int) -> float:
    """Return how many standard deviations from the paper no noise is: a bit more than the most of so many pixels."""
    return math.sqrt(2 * math.log(pixels)) + 0.5


def _slope(light: np.ndarray, inside: float) -> np.ndarray:
    """Return the light that falls onto the paper, a polynomial of degree two, float64 [h, w].

    Least absolute deviations, by least squares that are weighted anew, so that the ink has no say in it. What is
    inside the margin has this weight beside the margin's.
    """
    small = _reduced(light, _GRID)
    x, y = _terms(small.shape), small.ravel()
    unit = max(np.ptp(y), 1e-12)
    trust = np.where(_margin(small.shape).ravel(), 1.0, inside)
    weights = trust
    for _ in range(20):
        weighted = weights[:, None] * x
        found = np.linalg.lstsq(x.T @ weighted, y @ weighted, rcond=None)[0]
        weights = trust / np.maximum(np.abs(y - x @ found) / unit, 1e-3)
    return (_terms(light.shape) @ found).reshape(light.shape)


def _terms(shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = np.meshgrid(*((np.arange(side) + 0.5) / side - 0.5 for side in shape), indexing="ij")
    r, c = rows.ravel(), columns.ravel()
    return np.stack([np.ones_like(r), r, c, r * r, r * c, c * c], axis=1)


def _reduced(light: np.ndarray, side: int) -> np.ndarray:
    """Return a picture made smaller by averaging, so that its longer side has at most so many pixels."""
    from PIL import Image

    scale = side / max(light.shape)
    if scale >= 1:
        return light
    height, width = (max(1, round(scale * own)) for own in light.shape)
    image = Image.fromarray(light.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
    return np.asarray(image, np.float64)


def _box(where: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = (np.flatnonzero(where.any(axis=axis)) for axis in (1, 0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
