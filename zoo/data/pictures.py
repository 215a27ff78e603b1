"""Picture files made like the pictures that a model was trained on: light ink on black, of one size, centred.

The handwritten digits of MNIST were scaled to fit into a box of 20 by 20 pixels, their aspect ratio kept, and put into
28 by 28 so that their centre of mass is in the middle (LeCun, Cortes & Burges, yann.lecun.com/exdb/mnist).
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.config import BadInput
from zoo.data import files
from zoo.data import ink as lifting

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
LARGEST = 50_000_000
"""Pixels of a picture; a file of some kilobytes can claim billions."""
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # of Pillow's, those that start no other program
_FAINT = 0.1  # of the darkest ink: less is paper, or what compression has left around the ink
_EDGE = 0.2  # of the darkest ink: where what is shown ends, a blurred edge beyond it left out


@dataclass(frozen=True)
class Frame:
    """How the pictures of a data set lie in their frame.

    Attributes:
        box: The longer side of what is shown, in parts of the frame's side.
        mass: Where the centre of mass is, as the index of a pixel in parts of the frame's side; None: the box around
            what is shown is in the middle.
        stroke: How wide what is shown is drawn at most, in parts of the longer side of a photograph; None: it is not
            drawn in strokes.
    """

    box: float
    mass: float | None
    stroke: float | None


# As measured: in MNIST every box is 20 pixels, and the mass is at 14.0 of 0 to 27, give or take the half of a pixel; in
# scikit-learn's digits every box is 8 high, and the mass at 3.57 of 0 to 7. Fashion-MNIST as Xiao et al. 2017 describe.
FRAMES = {
    "mnist": Frame(20 / 28, 0.5, 0.35),
    "digits": Frame(1.0, 3.57 / 8, 0.35),
    "fashion_mnist": Frame(1.0, None, None),
}
"""By the name of the data set; other pictures are taken to lie as those of MNIST do."""


def read(path: Path, shape: tuple[int, int], name: str) -> np.ndarray:
    """Return a picture file as a picture of a data set.

    Args:
        path: Of the file: any size, grey or coloured, dark on light or light on dark, with or without transparency.
        shape: Height and width of the data set's pictures.
        name: Of the data set.

    Returns:
        float64 [height, width], 0 for the paper and 1 for the ink.

    Raises:
        BadInput: It is not a picture, is damaged or too large, or shows nothing.
    """
    what = f"input={path}"
    light = _light(files.content(path, what, f"a picture ({', '.join(_FORMATS)})"), what)
    frame = FRAMES.get(name, FRAMES["mnist"])
    return fitted(_ink(light, what, frame), shape, frame)


def fitted(ink: np.ndarray, shape: tuple[int, int], frame: Frame) -> np.ndarray:
    """Return what a picture shows, scaled and centred.

    Args:
        ink: float [h, w], 0 for the paper; something has to be above it.
        shape: Height and width of the result.
        frame: How it is to lie.

    Returns:
        float64 of that shape, its largest value 1.
    """
    from PIL import Image

    rows, columns = (np.flatnonzero((ink > _EDGE).any(axis=axis)) for axis in (1, 0))
    shown = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = min(round(frame.box * side) / own for side, own in zip(shape, shown.shape, strict=True))
    height, width = (max(1, round(scale * side)) for side in shown.shape)
    # Averages of what falls onto a pixel: sharper than the other filters, which blur what they make smaller.
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    small = Image.fromarray(shown.astype(np.float32)).resize((width, height), how)
    values = np.clip(np.asarray(small, np.float64), 0, None)
    values /= values.max()
    result = np.zeros(shape)
    top, left = (_begin(values.sum(axis=1 - axis), side, frame.mass) for axis, side in enumerate(shape))
    result[top : top + height, left : left + width] = values
    return result


def _begin(profile: np.ndarray, side: int, mass: float | None) -> int:
    """Return where along one axis the ink begins, given how much of it each line has."""
    free = side - len(profile)
    if mass is None:
        return free // 2
    own = float(profile @ np.arange(len(profile)) / profile.sum())
    return int(np.clip(round(mass * side - own), 0, free))


def _light(content: bytes, what: str) -> np.ndarray:
    """Return how light each pixel is, float64 [h, w], in any unit."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # of what is refused here earlier
            image: Image.Image = Image.open(io.BytesIO(content), formats=_FORMATS)
            if image.width * image.height > LARGEST:
                raise BadInput(
                    f"{what} should have at most {LARGEST:,} pixels. Received: {image.width:,} x {image.height:,}. "
                    "Make it smaller."
                )
            image.load()
            image = ImageOps.exif_transpose(image)
        light = _opaque(image) if image.has_transparency_data else _grey(image)
    except BadInput:
        raise
    except Exception as error:  # Pillow, zlib and struct have a dozen kinds for what is damaged
        reason = str(error).partition(" <")[0].strip().rstrip(".") or type(error).__name__
        raise BadInput(f"{what} cannot be read as a picture: {reason}. Expected {', '.join(_FORMATS)}.") from None
    if not np.isfinite(light).all():
        raise BadInput(f"{what} holds pixels that are not finite numbers.")
    return light


def _grey(image: "Image") -> np.ndarray:
    deep = image.mode.startswith(("I", "F"))  # 16 or 32 bits, which a conversion to 8 would cut off
    return np.asarray(image if deep else image.convert("L"), np.float64)


def _opaque(image: "Image") -> np.ndarray:
    """Return a transparent picture laid on paper: of the colour that most of it has, or opposite to that of the ink."""
    pixels = np.asarray(image.convert("RGBA"), np.float64) / 255
    light, alpha = pixels[..., :3] @ (0.299, 0.587, 0.114), pixels[..., 3]
    seen = light[alpha > 0.5]
    if not seen.size:
        return np.zeros(light.shape)
    low, middle, high = np.percentile(seen, (5, 50, 95))
    one_colour = high - low < 0.2
    paper = float(middle < 0.5) if one_colour and alpha.min() < 0.5 else middle
    return light * alpha + paper * (1 - alpha)


def _ink(light: np.ndarray, what: str, frame: Frame) -> np.ndarray:
    """Return how much ink each pixel has, whether it is darker than the paper or lighter: 0 to 1."""
    if not lifting.is_even(light):
        lifted = lifting.lifted(light, frame.stroke)
        if lifted is None:
            raise BadInput(f"{what} shows nothing: no ink stands out from its paper.")
        return lifted
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    above = light - np.median(border)
    lighter, darker = np.clip(above, 0, None), np.clip(-above, 0, None)
    ink = lighter if np.square(lighter).sum() > np.square(darker).sum() else darker
    if ink.max() <= 0.02 * max(np.abs(light).max(), 1e-12):
        raise BadInput(f"{what} shows nothing: all of its pixels are alike.")
    ink = ink / ink.max()
    ink = np.where(ink < _FAINT, 0.0, ink)
    small = max(ink.shape) <= lifting.SMALL
    return ink if small or frame.stroke is None else lifting.without_specks(ink)
