"""Picture files made like those of MNIST: whatever their size, colours and place, the same digit comes out."""

import contextlib
import io

import numpy as np
import pytest
from PIL import Image

from zoo.config import BadInput
from zoo.data import pictures

SHAPE = (28, 28)


@pytest.fixture(scope="module")
def seven():
    """A 7 of two strokes, 0 to 1, light on dark, in a frame of 60 by 40."""
    ink = np.zeros((60, 40))
    ink[12:18, 8:32] = 1
    for row in range(18, 48):
        ink[row, 28 - (row - 18) // 3 : 33 - (row - 18) // 3] = 0.8
    return ink


@pytest.fixture
def made(tmp_path, seven):
    """Return what `pictures.read` makes of an image that was saved as a file."""

    def read(image, name="seven.png", data="mnist", **options):
        image.save(tmp_path / name, **options)
        return pictures.read(tmp_path / name, SHAPE, data)

    return read


def bytes_of(ink):
    return np.rint(255 * ink).astype(np.uint8)


@pytest.fixture
def plain(made, seven):
    return made(Image.fromarray(bytes_of(seven)))


def test_a_digit_fills_a_box_of_20_pixels_with_its_mass_in_the_middle(plain):
    rows, columns = np.flatnonzero(plain.any(axis=1)), np.flatnonzero(plain.any(axis=0))
    assert (np.ptp(rows) + 1, plain.max()) == (20, 1)
    assert np.ptp(columns) + 1 < 20
    middle = [float((plain.sum(axis=1 - axis) @ np.arange(28)) / plain.sum()) for axis in (0, 1)]
    assert np.abs(np.array(middle) - 14).max() <= 0.5


def test_dark_on_light_is_light_on_dark(plain, made, seven):
    np.testing.assert_allclose(made(Image.fromarray(255 - bytes_of(seven))), plain, atol=0.01)
    grey_paper = Image.fromarray(np.rint(180 - 150 * seven).astype(np.uint8))
    np.testing.assert_allclose(made(grey_paper), plain, atol=0.03)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "CMYK", "I", "F", "I;16"])
def test_every_kind_of_pixel_gives_the_same_picture(mode, plain, made, seven):
    image = Image.fromarray(bytes_of(seven))
    if mode == "I;16":
        image = Image.fromarray(np.rint(65535 * seven).astype(np.uint16))
    suffix = ".tif" if mode in ("CMYK", "F", "I") else ".png"
    np.testing.assert_allclose(made(image if mode == "I;16" else image.convert(mode), f"x{suffix}"), plain, atol=0.02)


@pytest.mark.parametrize("colour", [0, 255, 128])
def test_ink_on_a_transparent_ground_is_seen_whatever_its_colour(colour, plain, made, seven):
    pixels = np.full((*seven.shape, 4), colour, np.uint8)
    pixels[..., 3] = bytes_of(seven)
    np.testing.assert_allclose(made(Image.fromarray(pixels)), plain, atol=0.02)


def test_a_card_with_transparent_corners_is_paper(plain, made, seven):
    pixels = np.repeat((255 - bytes_of(seven))[..., None], 4, axis=2)
    pixels[..., 3] = 255
    pixels[:4, :4, 3] = pixels[-4:, -4:, 3] = pixels[:4, -4:, 3] = pixels[-4:, :4, 3] = 0
    np.testing.assert_allclose(made(Image.fromarray(pixels)), plain, atol=0.02)


def test_size_margin_and_place_make_no_difference(plain, made, seven):
    large = np.kron(seven, np.ones((7, 7)))
    moved = np.pad(large, ((300, 20), (5, 411)))
    assert np.abs(made(Image.fromarray(bytes_of(moved))) - plain).mean() < 0.02


def test_a_photograph_turned_by_its_camera_is_turned_back(plain, made, seven):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned = Image.fromarray(np.rot90(bytes_of(seven)))
    assert np.abs(made(turned, "x.jpg", exif=exif, quality=95) - plain).mean() < 0.02


def test_the_artefacts_of_a_jpeg_are_no_ink(plain, made, seven):
    padded = Image.fromarray(255 - bytes_of(np.pad(np.kron(seven, np.ones((4, 4))), 90)))
    assert np.abs(made(padded, "x.jpg", quality=40) - plain).mean() < 0.03


@pytest.mark.parametrize(("data", "height"), [("digits", 8), ("fashion_mnist", 8), ("of my own", 6)])
def test_each_data_set_has_its_own_frame(data, height, tmp_path, seven):
    Image.fromarray(bytes_of(seven)).save(tmp_path / "x.png")
    made = pictures.read(tmp_path / "x.png", (8, 8), data)
    assert made.shape == (8, 8)
    assert np.count_nonzero(made.any(axis=1)) == height


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 3), (4, 300), (70, 2)])
def test_hardly_any_pixels_are_a_picture_or_nothing(shape, made):
    with contextlib.suppress(BadInput):
        assert made(Image.fromarray(np.random.default_rng(0).integers(0, 255, shape, np.uint8))).max() == 1


@pytest.mark.parametrize("shape", [(1, 4000), (4000, 1), (3, 3)])
def test_what_is_long_and_thin_still_fits(shape, made):
    ink = np.zeros((shape[0] + 2, shape[1] + 2), np.uint8)
    ink[1:-1, 1:-1] = 255
    assert made(Image.fromarray(ink)).max() == 1


def enlarged(digit):
    """A digit of MNIST with its margin, 0 to 1, 400 by 400, as a photograph would be of it."""
    image = Image.fromarray(digit.reshape(28, 28).astype(np.float32)).resize((400, 400), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(image, np.float64) / 255, 0, 1)


def grains(of):
    return np.random.default_rng(0).normal(0, of, (400, 400))


SHADOW = np.linspace(0.63, 0.9, 400)  # of the light, from left to right
LAMP = 1 - 0.3 * np.square(np.linspace(-1, 1, 400))[:, None]  # above the middle
DUST = np.kron(np.eye(40)[:, ::-1] * (np.arange(40) % 9 == 0), np.pad(np.ones((4, 4)), (0, 6)))
PHOTOGRAPHS = {
    "noise": lambda ink: 224 - 190 * ink + grains(15),
    "a shadow": lambda ink: (240 - 220 * ink) * SHADOW + grains(5),
    "a shadow and no noise": lambda ink: (240 - 220 * ink) * SHADOW,
    "a lamp": lambda ink: (224 - 190 * ink) * LAMP + grains(5),
    "a pencil": lambda ink: 220 - 70 * ink + grains(8),
    "chalk": lambda ink: (60 + 185 * ink) * SHADOW + grains(8),
    "dust": lambda ink: 240 - 220 * np.maximum(ink, DUST),
}


@pytest.mark.parametrize("kind", PHOTOGRAPHS)
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_photograph_of_a_digit_of_mnist_is_that_digit(kind, suffix, mnist, tmp_path):
    differences = []
    for digit in mnist.test[0][:30]:
        ink = enlarged(digit)
        Image.fromarray(bytes_of(ink)).save(tmp_path / "drawn.png")
        pixels = np.clip(np.rint(PHOTOGRAPHS[kind](ink)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"x.{suffix}", **({"quality": 50} if suffix == "jpg" else {}))
        drawn, made = (255 * pictures.read(tmp_path / name, SHAPE, "mnist") for name in ("drawn.png", f"x.{suffix}"))
        shifts = [np.roll(made, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        differences.append(min(np.abs(one - drawn).mean() for one in shifts))
    assert np.median(differences) < 5  # of 255; that of two digits is about 40
    assert np.mean(np.array(differences) < 10) >= 0.9


def test_a_small_digit_in_a_large_photograph_is_found(made, seven, plain):
    paper = np.pad(np.kron(seven, np.ones((4, 4))), ((1500, 260), (200, 1640)))
    light = (224 - 190 * paper) * np.linspace(0.63, 0.9, paper.shape[1])
    light += np.tile(np.random.default_rng(0).normal(0, 12, (500, 500)), (4, 4))
    assert np.abs(made(Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))) - plain).mean() < 0.02


def test_a_garment_in_uneven_light_keeps_its_inside(tmp_path):
    shirt = np.zeros((400, 400))
    shirt[40:360, 100:300] = shirt[60:160, 40:360] = 1
    light = np.clip((230 - 190 * shirt) * SHADOW + grains(5), 0, 255)
    Image.fromarray(light.astype(np.uint8)).save(tmp_path / "x.png")
    made = pictures.read(tmp_path / "x.png", SHAPE, "fashion_mnist")
    assert made[4:24, 9:19].min() > 0.6


@pytest.mark.parametrize("side", [28, 200, 400])
@pytest.mark.parametrize("light", ["even", "from one side", "from above"])
@pytest.mark.parametrize("noise", [5, 30])
def test_paper_without_ink_is_refused_whatever_its_light_and_noise(side, light, noise, tmp_path):
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    paper = 200 * {"even": 1, "from one side": 0.8 + 0.2 * x, "from above": 1 - 0.2 * (x * x + y * y)}[light]
    paper = paper + np.random.default_rng(0).normal(0, noise, (side, side))
    Image.fromarray(np.clip(paper, 0, 255).astype(np.uint8)).save(tmp_path / "x.png")
    with pytest.raises(BadInput, match="shows nothing: no ink stands out from its paper"):
        pictures.read(tmp_path / "x.png", SHAPE, "mnist")


def png(image):
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def claims(width, height):
    """A PNG of a few bytes that says it is large."""
    import struct
    import zlib

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (png(Image.effect_noise((64, 64), 90))[:900], "cannot be read as a picture"),
        (claims(9_000, 9_000), "should have at most 50,000,000 pixels. Received: 9,000 x 9,000"),
        (claims(60_000, 60_000), "cannot be read as a picture: Image size"),
        (claims(20, 20), "cannot be read as a picture"),
        (b"not a picture", "cannot be read as a picture: cannot identify image file. Expected PNG"),
        (b"", "cannot be read as a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot be read as a picture"),
        (png(Image.new("L", (30, 30), 255)), "shows nothing"),
        (png(Image.new("RGBA", (30, 30), (0, 0, 0, 0))), "shows nothing"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(content, says, tmp_path):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(BadInput) as caught:
        pictures.read(tmp_path / "x.png", SHAPE, "mnist")
    assert says in str(caught.value)
    assert f"input={tmp_path / 'x.png'}" in str(caught.value)


def test_pixels_that_are_no_numbers_are_refused(tmp_path):
    Image.fromarray(np.full((9, 9), np.nan, np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(BadInput, match="not finite"):
        pictures.read(tmp_path / "x.tif", SHAPE, "mnist")


def test_the_digits_of_mnist_come_back_from_files_nearly_as_they_were(mnist, tmp_path):
    x = mnist.test[0][:60]
    random = np.random.default_rng(0)
    differences = []
    for index, digit in enumerate(x):
        big = np.kron(digit.reshape(28, 28), np.ones((5, 5), np.uint8))
        moved = np.pad(big, random.integers(0, 200, (2, 2)))
        Image.fromarray(255 - moved if index % 2 else moved).save(tmp_path / "x.png")
        made = pictures.read(tmp_path / "x.png", SHAPE, "mnist")
        differences.append(np.abs(255 * made - digit.reshape(28, 28)).mean())
    assert np.median(differences) < 1  # of 255
    assert np.mean(np.array(differences) < 2) > 0.9  # the others are a pixel aside
