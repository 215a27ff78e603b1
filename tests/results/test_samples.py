from zoo.results import samples


def test_a_sample_is_saved_as_utf_8_with_a_final_newline(tmp_path):
    path = samples.save("Wherefore art thou — Romeo?", tmp_path / "run")
    assert path == tmp_path / "run" / "sample.txt"
    assert path.read_bytes().decode("utf-8") == "Wherefore art thou — Romeo?\n"
