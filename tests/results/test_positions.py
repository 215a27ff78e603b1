"""The loss by position in a sequence."""

import numpy as np
import pytest
from matplotlib import image

from zoo.results import positions


@pytest.mark.parametrize("names", [["from nothing"], ["state carried", "from nothing"]])
def test_means_are_drawn_and_written(names, tmp_path):
    losses = {name: np.array([4.0, 2.0, 0.5]) + place for place, name in enumerate(names)}
    path = positions.loss_by_position(losses, "word", tmp_path)
    assert image.imread(path).std() > 0.02
    lines = (tmp_path / "loss_by_position.csv").read_text().splitlines()
    assert lines[0] == ",".join(["position", *names])
    assert [float(line.split(",")[1]) for line in lines[1:]] == [4.0, 2.0, 0.5]
    assert (tmp_path / "loss_by_position.svg").is_file()
