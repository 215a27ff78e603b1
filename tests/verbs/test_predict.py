"""`zoo predict`: pictures, numbers and words in, answers out; and what is no input is refused in words."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import kept, served, verbs, writing
from zoo.config import BadInput


@pytest.fixture
def predict(runs, tmp_path, monkeypatch, capsys):
    """Return what a prediction tells machines."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runs.uri)
    monkeypatch.chdir(tmp_path)

    def run(run_id, said, *words):
        assert verbs.run("predict", run_id, f"input={said}", "json=true", *words) == 0
        return json.loads(capsys.readouterr().out)

    return run


def rendered(digit, random):
    """Return a digit of a data set as a scan: enlarged, put somewhere on a page, dark on light or light on dark."""
    side = int(random.integers(3, 9)) * digit.shape[0]
    large = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))
    page = np.pad(large, random.integers(0, 150, (2, 2)))
    return Image.fromarray(page if random.random() < 0.5 else 255 - page)


def test_scanned_digits_are_read_nearly_as_well_as_those_of_the_test(runs, predict, tmp_path):
    id = runs.train("model=mnist_fcn", "data=mnist", "data.limit=12000", "epochs=3")
    splits = kept.find(id, runs.uri).splits()
    random, count = np.random.default_rng(0), 400
    (tmp_path / "scans").mkdir()
    for index, row in enumerate(splits.test.x[:count]):
        digit = np.rint(255 * row.reshape(28, 28)).astype(np.uint8)
        rendered(digit, random).save(tmp_path / "scans" / f"{index:04}.png")
    found = predict(id, tmp_path / "scans")["predictions"]
    assert [one["input"] for one in found] == [f"{index:04}.png" for index in range(count)]
    labels = splits.test.y[:count]
    own = np.asarray(zoo.load(id, runs.uri).model(splits.test.x[:count])).argmax(axis=1)
    read = np.array([int(one["prediction"]) for one in found])
    assert (read == labels).mean() >= (own == labels).mean() - 0.02


def test_small_digits_are_made_for_a_model_of_small_digits(runs, predict, tmp_path):
    id = runs.train("model=mnist_fcn", "data=digits", "epochs=40")
    splits = kept.find(id, runs.uri).splits()
    (tmp_path / "scans").mkdir()
    for index, row in enumerate(splits.test.x[:200]):
        large = np.kron(np.rint(255 * row.reshape(8, 8)).astype(np.uint8), np.ones((9, 9), np.uint8))
        Image.fromarray(255 - np.pad(large, ((20, 5), (31, 60)))).save(tmp_path / "scans" / f"{index:04}.png")
    read = [int(one["prediction"]) for one in predict(id, "scans")["predictions"]]
    own = np.asarray(zoo.load(id, runs.uri).model(splits.test.x[:200])).argmax(axis=1)
    labels = splits.test.y[:200]
    assert (read == labels).mean() >= (own == labels).mean() - 0.05


def test_the_likeliest_classes_come_first_with_their_probabilities(runs, predict):
    splits = kept.find(runs.ids["tape"], runs.uri).splits()
    np.save("rows.npy", np.rint(16 * splits.test.x[:3]))
    found = predict(runs.ids["tape"], "rows.npy", "top=10")["predictions"]
    logits = np.asarray(zoo.load(runs.ids["tape"], runs.uri).model(splits.test.x[:3]), np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for one, row in zip(found, expected, strict=True):
        shares = list(one["probabilities"].values())
        assert shares == sorted(shares, reverse=True)
        assert [one["probabilities"][str(label)] for label in range(10)] == pytest.approx(row, abs=1e-5)
        assert one["prediction"] == str(row.argmax())
    assert [one["input"] for one in found] == ["row 1", "row 2", "row 3"]
    assert len(predict(runs.ids["tape"], "rows.npy", "top=2")["predictions"][0]["probabilities"]) == 2


def test_numbers_are_scaled_as_the_training_split_was(runs, predict):
    id = runs.ids["standardized"]
    splits = kept.find(id, runs.uri).splits()
    raw = splits.test.x[:5] * splits.spec.scaling.span + splits.spec.scaling.offset
    np.save("raw.npy", np.rint(raw).astype(np.uint8))
    found = predict(id, "raw.npy", "top=10")["predictions"]
    expected = np.asarray(zoo.load(id, runs.uri).model(splits.test.x[:5])).argmax(axis=1)
    assert [int(one["prediction"]) for one in found] == expected.tolist()


@pytest.mark.parametrize("said", ["0,0;0,1;1,0;1,1", "0 0; 0 1; 1 0; 1 1;", "table.csv", "plain.csv", "rows.npy"])
def test_exclusive_or_is_told_from_numbers(said, runs, predict, tmp_path):
    (tmp_path / "table.csv").write_text("first;second\n0;0\n0;1\n\n1;0\n1;1\n")
    (tmp_path / "plain.csv").write_text("0,0\n0,1\n1,0\n1.0,1e0\n")
    np.save(tmp_path / "rows.npy", np.array([[0, 0], [0, 1], [1, 0], [1, 1]]))
    found = predict(runs.ids["xor"], said)["predictions"]
    model = zoo.load(runs.ids["xor"], runs.uri).model
    sure = np.asarray(model(np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)))[:, 0]
    assert [one["probabilities"]["1"] for one in found] == pytest.approx(sure.tolist(), abs=1e-6)
    assert [one["prediction"] for one in found] == [str(int(value > 0.5)) for value in sure]


def test_a_value_is_told_from_a_row_and_from_a_sequence(runs, predict):
    assert set(predict(runs.ids["values"], "1,2")["predictions"][0]) == {"input", "value"}
    splits = kept.find(runs.ids["adding"], runs.uri).splits()
    np.save("sequences.npy", splits.test.x[:4])
    np.savetxt("flat.csv", splits.test.x[:4].reshape(4, -1), delimiter=",", fmt="%.9g")
    found = [[one["value"] for one in predict(runs.ids["adding"], name)["predictions"]] for name in
             ("sequences.npy", "flat.csv")]  # fmt: skip
    expected = np.asarray(zoo.load(runs.ids["adding"], runs.uri).model(splits.test.x[:4]))[:, 0]
    assert found[0] == pytest.approx(expected.tolist(), abs=1e-6)
    assert found[1] == pytest.approx(expected.tolist(), abs=1e-6)


@pytest.mark.parametrize("name", ["poem", "windows", "after the last", "counted"])
def test_the_next_words_come_with_their_probabilities(name, runs, predict, tmp_path):
    found = predict(runs.ids[name], "no sun , no moon", "top=1000")
    vocabulary = kept.find(runs.ids[name], runs.uri).vocabulary
    shares = [one["probability"] for one in found["next"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert {one["token"] for one in found["next"]} == set(vocabulary.tokens)
    (tmp_path / "prompt.txt").write_text("no sun , no moon")
    assert predict(runs.ids[name], "prompt.txt", "top=1000") == found


def test_the_next_word_of_a_trigram_is_what_it_has_counted(runs, predict):
    loaded = zoo.load(runs.ids["counted"], runs.uri)
    for prompt, before in (("the no sun", ["no", "sun"]), ("sun", ["<eos>", "sun"])):  # one word begins a line
        found = predict(runs.ids["counted"], prompt, "top=3")["next"]
        chances = loaded.model.after(loaded.vocabulary.encode(before).tolist())
        assert [one["probability"] for one in found] == pytest.approx(np.sort(chances)[::-1][:3].tolist())


@pytest.mark.parametrize("name", ["poem", "characters", "counted"])
@pytest.mark.parametrize("prompt", ["no sun", "sun"])
def test_what_is_told_is_what_is_written_and_served(name, prompt, runs, predict, tmp_path, capsys):
    (told,) = predict(runs.ids[name], prompt, "top=1")["next"]
    found = kept.find(runs.ids[name], runs.uri)
    greedy = "".join(writing.write(found, writing.read(prompt, found.vocabulary), 1, writing.Drawing(temperature=0)))
    assert greedy.removeprefix(prompt).strip(" ") == told["token"].replace("<eos>", "\n").strip(" ")
    served.save(found, tmp_path / "served")
    answer = served._load_pyfunc(str(tmp_path / "served" / "data" / "served-parts")).predict({"text": [prompt]})
    assert answer["probability"][0] == pytest.approx(told["probability"], rel=1e-5)


def test_a_model_without_carried_state_reads_as_much_as_in_training(runs, predict):
    long = " ".join(["the sun is up , the day is long ."] * 4)
    found = predict(runs.ids["windows"], long)
    assert (found["read"], found["of"]) == (12, 40)
    assert predict(runs.ids["poem"], long)["read"] == 40


def test_unknown_words_are_counted_and_told(runs, said):
    shown = said("predict", runs.ids["poem"], "input=the kangaroo is up", "json=true")
    assert json.loads(shown.out)["unknown"] == 1
    assert shown.err == "Unknown to the model, and read as <unk>: 'kangaroo'.\n"
    shown = said("predict", runs.ids["characters"], "input=the § word", "json=true")
    assert json.loads(shown.out)["text"] == "the  word"
    assert shown.err == "Unknown to the model, and left out: '§'.\n"


def test_the_newline_that_ends_a_file_is_no_word_of_it(runs, predict, tmp_path):
    (tmp_path / "prompt.txt").write_text("no sun , no\n")
    assert predict(runs.ids["counted"], "prompt.txt") == predict(runs.ids["counted"], "no sun , no")


def test_the_terminal_has_a_table(runs, predict, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    verbs.run("predict", runs.ids["xor"], "input=0,1;1,1")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["input", "prediction"]
    assert [line.split()[:2] for line in lines[1:3]] == [["row", "1"], ["row", "2"]]
    assert all(line.count("%") == 2 for line in lines[1:3])
    verbs.run("predict", runs.ids["poem"], "input=no sun , no", "top=3")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["'no sun, no'", "", "next word  probability"] or lines[2].startswith("next word")
    assert len(lines) == 8
    np.savetxt("many.csv", np.zeros((80, 2)), delimiter=",")
    verbs.run("predict", runs.ids["xor"], "input=many.csv")
    assert "30 more: json=true shows all of them." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("columns", "top", "beside"), [(200, 10, 10), (80, 10, 6), (60, 5, 4), (30, 5, 1), (None, 10, 10)]
)
def test_every_choice_reads_whatever_the_width(columns, top, beside, runs, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runs.uri)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", str(columns))
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("one.png", "a long name of a scan.png"):
        Image.fromarray(np.tri(40, dtype=np.uint8) * 255).save(folder / name)
    verbs.run("predict", runs.ids["tape"], "input=scans", f"top={top}")
    lines = capsys.readouterr().out.splitlines()
    table = lines[1 : lines.index("")]
    assert columns is None or max(map(len, [lines[0], *table])) <= columns
    assert max(line.count("%") for line in table) == beside
    assert len(table) == 2 * -(-top // beside)
    shown = re.findall(r"(\d)  +(\d+\.\d) %", "\n".join(table))
    assert len(shown) == 2 * top
    assert [float(share) for _, share in shown[:top]] == sorted(
        (float(share) for _, share in shown[:top]), reverse=True
    )
    assert any(line.startswith("one.png  ") for line in table)


def test_the_table_names_the_run_that_answered(runs, said):
    id = runs.ids["xor"]
    assert said("predict", id, "input=0,1").out.splitlines()[-1] == f"The answer of run {id}, {runs.find(id).name}"


@pytest.mark.parametrize(
    ("name", "said", "says"),
    [
        ("tape", "nowhere.png", "There is no file 'nowhere.png'. Expected input=... to be a picture, a folder"),
        ("tape", "broken.png", "input=broken.png cannot be read as a picture"),
        ("tape", "bomb.png", "should have at most 50,000,000 pixels"),
        ("tape", "loop.png", "input=loop.png cannot be read: too many levels of symbolic links"),
        ("tape", "gone.png", "input=gone.png cannot be read: no such file or directory"),
        ("tape", "pickled.npy", "it holds no numbers, but objects"),
        ("tape", "cut.npy", "it is cut off"),
        ("tape", "header.npy", "cannot be read as a .npy file"),
        ("tape", "zipped.npz", "is an archive, as .npz files are. Expected a picture, a folder of pictures, or a .csv"),
        ("xor", "zipped.npz", "is an archive, as .npz files are. Expected a .csv or .npy file with 2 numbers a row"),
        ("tape", "scan.pdf", "Expected a picture, a folder of pictures, or a .csv or .npy file with 64 numbers a row."),
        ("tape", "empty.csv", "input=empty.csv is empty"),
        ("tape", "header.csv", "holds a header and no row below it"),
        ("tape", "wide.csv", "should hold 64 numbers in a row, as the model reads. Received: 65 in a row. Is one"),
        ("tape", "ragged.csv", "rows of equal length. Received: 64 numbers in row 1 and 63 in row 2"),
        ("tape", "words.csv", "Received: 'many' in row 2, column 1"),
        ("tape", "nan.csv", "Row 2 holds one that is NaN, infinite or too large"),
        ("tape", "huge.csv", "NaN, infinite or too large"),
        ("tape", "binary.csv", "is not UTF-8"),
        ("tape", "pipe", "no regular file"),
        ("tape", "broken", "No picture in input=broken can be read. input=broken/2.png cannot be read as a picture"),
        ("tape", "empty", "It holds 1 other file."),
        ("tape", "nothing", ".pbm). It is empty."),
        ("tape", "rowless.npy", "input=rowless.npy holds no numbers. Expected a picture"),
        ("xor", "empty", "is a folder, but the model reads no pictures"),
        (
            "xor",
            "0,1,1",
            "should hold 2 numbers in a row, as the model reads. Received: 3 in a row. Is one of them the",
        ),
        ("xor", "nan,1", "Row 1 holds one that is NaN"),
        ("xor", "1,-inf", "Row 1 holds one that is NaN"),
        ("xor", ";", "input=; holds no numbers"),
        ("xor", "whole.png", "input=whole.png is a picture, but the model reads none"),
        ("xor", "0,1e99", "too large"),
        ("xor", "0,--1", "Received: '--1' in row 1, column 2"),
        ("xor", "zero one", "There is no file 'zero one'. Expected input=... to be a .csv or .npy file with 2 numbers"),
        ("poem", "nowhere.txt", "There is no file 'nowhere.txt'"),
        ("poem", "no/such/file", "There is no file 'no/such/file'"),
        ("poem", "broken.png", "is a picture, but the model reads words"),
        ("poem", "empty.csv", "is empty"),
        ("poem", "binary.csv", "is not UTF-8"),
        ("characters", "§§", "holds no character that the model could go on from"),
    ],
)
def test_what_is_no_input_is_refused_in_words(name, said, says, runs, predict, tmp_path):
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 255, (50, 50), np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "whole.png").read_bytes()[:1000])
    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")
    os.symlink("loop.png", tmp_path / "loop.png")
    os.symlink("nowhere.png", tmp_path / "gone.png")
    np.save(tmp_path / "pickled.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.save(tmp_path / "long.npy", np.zeros((100, 64)))
    np.save(tmp_path / "rowless.npy", np.zeros((0, 64)))
    np.savez(tmp_path / "zipped.npz", digits=np.zeros((2, 64)))
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "cut.npy").write_bytes((tmp_path / "long.npy").read_bytes()[:3000])
    (tmp_path / "header.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00{'descr': os.system('true')")
    row = ",".join(["1"] * 64)
    tables = {
        "empty": "", "header": "a,b\n", "wide": f"{row},7\n", "ragged": f"{row}\n{row[2:]}\n",
        "nan": f"{row}\nnan{row[1:]}\n", "words": f"{row}\nmany{row[1:]}\n", "huge": f"1e300{row[1:]}\n",
    }  # fmt: skip
    for key, text in tables.items():
        (tmp_path / f"{key}.csv").write_text(text)
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("none")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "2.png").write_bytes((tmp_path / "broken.png").read_bytes())
    with pytest.raises(BadInput) as caught:
        predict(runs.ids[name], said)
    assert says in str(caught.value)


def test_pictures_of_a_folder_that_cannot_be_read_are_left_out_and_named(runs, predict, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    random = np.random.default_rng(0)
    ink = np.pad(random.integers(0, 255, (50, 50), np.uint8), 5)
    Image.fromarray(ink).save(folder / "1.png")
    (folder / "2.png").write_bytes((folder / "1.png").read_bytes()[:1000])
    told = predict(runs.ids["tape"], "mixed")
    assert [row["input"] for row in told["predictions"]] == ["1.png"]
    assert "input=mixed/2.png cannot be read as a picture" in told["left_out"][0]


@pytest.mark.slow
def test_a_mistake_ends_with_exit_code_2_and_one_paragraph(runs, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    words = ["predict", runs.ids["tape"], "input=broken.png", f"tracking.uri={runs.uri}"]
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *words], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("zoo: input=broken.png cannot be read as a picture")
    assert done.stderr.count("\n") == 1
