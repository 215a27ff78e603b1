import numpy as np
import pytest

from zoo.data.idx import from_idx, to_idx


def test_the_header_is_the_published_one():
    # The first bytes of train-labels-idx1-ubyte: magic number 2049, then 60,000.
    assert to_idx(np.zeros(60_000, np.uint8))[:8].hex() == "000008010000ea60"
    assert to_idx(np.zeros((2, 28, 28), np.uint8))[:16].hex() == "00000803000000020000001c0000001c"


@pytest.mark.parametrize("shape", [(3,), (2, 28, 28)])
def test_an_array_comes_back_equal(shape):
    array = np.arange(np.prod(shape), dtype=np.uint32).astype(np.uint8).reshape(shape)
    assert np.array_equal(from_idx(to_idx(array)), array)


def test_other_bytes_are_refused():
    with pytest.raises(ValueError, match="00 00 08"):
        from_idx(b"PK\3\4 and more")
