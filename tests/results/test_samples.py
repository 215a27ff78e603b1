import numpy as np
import pytest

from zoo.data import Vocabulary
from zoo.results import samples


def test_a_sample_is_saved_as_utf_8_with_a_final_newline(tmp_path):
    path = samples.save("Wherefore art thou — Romeo?", tmp_path / "run")
    assert path == tmp_path / "run" / "sample.txt"
    assert path.read_bytes().decode("utf-8") == "Wherefore art thou — Romeo?\n"


@pytest.mark.parametrize(("level", "prompt", "length", "banned"), [("word", 8, 100, [0]), ("char", 32, 400, [])])
def test_a_text_begins_with_that_of_others_and_is_of_one_length(level, prompt, length, banned):
    vocabulary = Vocabulary.build("abcdefgh", level, unk=bool(banned))
    asked = []

    def write(*words):
        asked.append(words)
        return [2, 3]

    text = np.arange(100, dtype=np.int32) % 5
    written = samples.written(write, text, vocabulary)
    assert asked == [([n % 5 for n in range(prompt)], length, banned)]
    assert written == vocabulary.decode([*asked[0][0], 2, 3])
