"""The runs that the words of a sweep stand for."""

import re

import pytest

from zoo.config import BadInput
from zoo.start import grid, options


def words_of(table):
    return [list(cell.config.overrides) for cell in table.cells]


def test_values_are_combined_and_the_last_key_varies_fastest():
    table = grid.read(["model=xor_mlp", "optimizer=sgd,adam", "seed=range(3)"])
    assert [(cell.config.optimizer.name, cell.config.seed) for cell in table.cells] == [
        ("sgd", 0), ("sgd", 1), ("sgd", 2), ("adam", 0), ("adam", 1), ("adam", 2),
    ]  # fmt: skip
    assert table.swept == {"optimizer": ["sgd", "adam"], "seed": ["0", "1", "2"]}
    assert [cell.choice for cell in table.cells[2:4]] == [{"optimizer": "sgd"}, {"optimizer": "adam"}]


def test_a_key_of_the_user_s_own_model_is_a_choice_without_its_plus():
    table = grid.read(["model=custom", "data=xor", "model.build=zoo.models.mlp.build", "+model.hidden=[2],[3]"])
    assert [cell.choice for cell in table.cells] == [{"model.hidden": "[2]"}, {"model.hidden": "[3]"}]


def test_paired_values_go_side_by_side():
    table = grid.read(
        ["model=xor_mlp", "optimizer=sgd,adam", "seed=0,1", "optimizer.learning_rate=0.5,0.01",
         "sweep.paired=[optimizer,optimizer.learning_rate]"]
    )  # fmt: skip
    found = [
        (cell.config.optimizer.name, cell.config.optimizer.learning_rate, cell.config.seed) for cell in table.cells
    ]
    assert found == [("sgd", 0.5, 0), ("sgd", 0.5, 1), ("adam", 0.01, 0), ("adam", 0.01, 1)]


@pytest.mark.parametrize("preset", grid.presets())
@pytest.mark.parametrize("model", ["mnist_fcn", "lstm"])
def test_every_preset_works_on_every_model_and_says_what_it_leaves_out(preset, model):
    unfit = {("folds", "lstm"): "folds", ("adding", "lstm"): "data.length", ("adding", "mnist_fcn"): "data.length"}
    if (preset, model) in unfit:  # text has no classes; recipes bring models of their own
        with pytest.raises(BadInput, match=unfit[preset, model]):
            grid.read([f"model={model}", f"sweep={preset}"])
        return
    table = grid.read([f"model={model}", f"sweep={preset}"])
    assert len(table.cells) > 2
    left_out = {cell.choice.get("optimizer") for cell in table.cells} ^ set(options.groups()["optimizer"])
    if preset == "optimizers":
        assert left_out == {name for name in left_out if any(f"optimizer={name}" in one for one in table.skipped)}


def test_the_user_s_own_words_replace_those_of_a_preset():
    table = grid.read(["model=xor_mlp", "sweep=optimizers_x_inits", "seed=7", "init=zeros,ones", "epochs=5"])
    assert len(table.cells) == 4 * 2
    assert {cell.config.seed for cell in table.cells} == {7}
    assert {cell.config.init.name for cell in table.cells} == {"zeros", "ones"}


def test_a_preset_of_the_user_s_is_found_in_a_folder_of_theirs(tmp_path):
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "mine.yaml").write_text("over: ['seed=4,5']\nkeep: all\n")
    options.search([tmp_path])
    try:
        table = grid.read(["model=xor_mlp", "sweep=mine"])
    finally:
        options.search([])
    assert [cell.config.seed for cell in table.cells] == [4, 5]
    assert table.settings.keep == "all"


def test_a_scale_multiplies_each_optimizer_s_own_learning_rate():
    table = grid.read(["model=xor_mlp", "optimizer=sgd,adam", "sweep.lr_scale=0.1,10"])
    own = {name: options.declared("optimizer", name)["learning_rate"] for name in ("sgd", "adam")}
    for cell in table.cells:
        scale = float(cell.choice["sweep.lr_scale"])
        assert cell.config.optimizer.learning_rate == pytest.approx(own[cell.config.optimizer.name] * scale)


def test_cells_that_cannot_be_are_refused_where_they_are_named_and_left_out_where_a_pattern_finds_them():
    with pytest.raises(BadInput, match="full"):
        grid.read(["model=xor_mlp", "optimizer=sgd,rprop", "batch_size=1"])
    table = grid.read(["model=xor_mlp", "optimizer=glob(*prop)", "batch_size=1"])
    assert [cell.config.optimizer.name for cell in table.cells] == ["rmsprop"]
    (sentence,) = table.skipped
    assert sentence.startswith("optimizer=rprop: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["optimizer=adm,sgd"], "Unknown optimizer 'adm'. Did you mean 'adam'"),
        (["seed=range(0)"], "names no value at all"),
        (["sweep=optimisers"], "Unknown sweep 'optimisers'. Did you mean 'optimizers'"),
        (["sweep.keeps=all", "seed=1,2"], "Did you mean 'sweep.keep'"),
        (["sweep.keep=some", "seed=1,2"], "sweep.keep should be best, all, none"),
        (["sweep.paired=seed", "seed=1,2"], "sweep.paired should name two keys or more"),
        (["sweep.vectorize=1", "seed=1,2"], "sweep.vectorize should be auto, true, false. Received: sweep.vectorize=1"),
        (["sweep.lr_scale=0,1"], "sweep.lr_scale should be a number above 0"),
        (["sweep.paired=[seed,init]", "seed=1,2"], "names init, which is not among the swept keys"),
        (["sweep.paired=[seed,init]", "seed=1,2", "init=zeros,ones,identity"], "2 of seed, 3 of init"),
        (["optimizer=glob(*)", "batch_size=x"], "batch_size"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(words, said):
    with pytest.raises(BadInput, match=re.escape(said)):
        grid.read(["model=xor_mlp", *words])


def test_hydra_gets_the_same_runs_in_its_own_words():
    table = grid.read(["model=xor_mlp", "sweep=seeds", "epochs=3", "optimizer=sgd,adam"])
    assert table.hydra_words() == [
        "seed=" + ",".join(map(str, range(20))), "optimizer=sgd,adam", "model=xor_mlp", "epochs=3"
    ]  # fmt: skip
    with pytest.raises(BadInput, match="all combinations"):
        grid.read(["model=xor_mlp", "optimizer=glob(*)", "batch_size=1"]).hydra_words()


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (["sweep=seeds", "model=xor_mlp", "optimizer=adm,sgd"], "adm"),
        (["model=xor_mlp", "optimizer=glob(*)", "init=he_nrmal,he_normal"], "he_nrmal"),
        (["sweep=seeds", "model=mnist_fcn", "optimizer=rprop,sgd"], "rprop"),
    ],
)
def test_what_the_user_has_named_is_refused_also_beside_a_preset_or_pattern(words, about):
    with pytest.raises(BadInput, match=about):
        grid.read(words)


def test_another_number_of_folds_sweeps_all_of_them():
    table = grid.read(["sweep=folds", "model=mnist_fcn", "data=digits", "data.folds=3"])
    assert sorted({cell.config.data.fold for cell in table.cells}) == [0, 1, 2]


@pytest.mark.parametrize("given", ["12345678", "12e45678", "'0123'"])
def test_an_id_that_looks_like_a_number_stays_a_text(given):
    table = grid.read(["model=xor_mlp", "seed=0,1", f"sweep.resume={given}"])
    assert table.settings.resume == given.strip("'")


def test_a_dry_run_of_a_sweep_lists_what_it_would_run():
    text = grid.read(["model=xor_mlp", "optimizer=sgd,adam", "seed=0,1", "epochs=3", "dry_run=true"]).listing()
    assert text.splitlines()[:3] == ["4 runs", "  optimizer: sgd, adam", "  seed: 0, 1"]
    assert "epochs=3" in text
    assert text.endswith("nothing was recorded.")


def test_hydra_s_launchers_are_not_handed_what_they_do_not_know():
    with pytest.raises(BadInput, match="do not know sweep"):
        grid.read(["model=xor_mlp", "sweep.lr_scale=0.1,1", "seed=0,1"]).hydra_words()
