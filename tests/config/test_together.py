"""Choices that do not go together, and some that do."""

import pytest

from zoo.config import BadInput
from zoo.start import compose, options


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("model=lstm data=xor", "model=lstm reads tokens or sequences, but data=xor gives vectors"),
        ("model=mnist_fcn data=kjv", "model=mnist_fcn reads vectors, but data=kjv gives tokens"),
        ("model=linear data=mnist", "Keep two of them: data.classes=[0,1]"),
        ("optimizer=rprop", "Add batch_size=full."),
        ("model=lstm optimizer=rprop", "Add batch_size=full and model.carry_state=false."),
        ("model=lstm batch_size=full", "add model.carry_state=false"),
        ("optimizer=rprop batch_size=full schedule=cosine", "Use schedule=constant"),
        ("data.classes=[1]", "at least two different classes"),
        ("data.classes=[1,1]", "at least two different classes"),
        ("data.classes=[]", "at least two different classes"),
        ("class_weight=[1,2] data.classes=[0,1,2]", "one weight for each of the 3 classes"),
        ("model=xor_mlp class_weight=[1]", "one weight for each of the 2 classes"),
        ("model=lstm class_weight=balanced", "class_weight does not apply to text"),
        ("loss=mse", "puts out logits. Add model.output=probabilities"),
        ("loss=binary_crossentropy", "Use loss=categorical_crossentropy"),
        ("model=xor_mlp loss=categorical_crossentropy", "Use loss=binary_crossentropy"),
        ("model=linear loss=binary_crossentropy", "Use loss=mse"),
        ("model=linear label_smoothing=0.1", "not with the mean squared error"),
        ("loss=probabilities_as_logits", "Add model.output=probabilities and data with classes"),
        ("model=lstm model.output=probabilities loss=probabilities_as_logits", "whose target is tokens"),
        (
            "model=xor_mlp loop=by_hand loss=probabilities_as_logits",
            "Received: loss=probabilities_as_logits. Use loop=",
        ),
        ("model.output=probabilities loss=mse label_smoothing=0.1", "not with the mean squared error"),
        ("monitor=val_acc", "monitor names an unknown metric 'val_acc'. Did you mean 'val_accuracy'"),
        ("model=linear monitor=val_accuracy", "unknown metric"),
        ("stop.metric=perplexity stop.value=3", "stop.metric names an unknown metric"),
        ("stop.metric=val_loss", "stop.metric needs stop.value"),
        ("stop.value=0.1", "stop.value needs stop.metric"),
        ("stop.metric=val_accuracy stop.value=98", "An accuracy lies between 0 and 1"),
        ("schedule=plateau schedule.metric=los", "schedule.metric names an unknown metric"),
        ("schedule=warmup_cosine schedule.warmup=5", "shorter than the training"),
        ("optimizer.clipnorm=1 optimizer.clipvalue=1", "one kind of gradient clipping"),
        ("data.folds=5", "data.folds=5 needs data.fold beside it"),
        ("data.fold=0", "data.fold=0 needs data.folds beside it"),
        ("data.folds=5 data.fold=5", "from 0 to 4, since data.folds=5. Received: data.fold=5"),
        ("data.folds=5 data.fold=0 data.validation=0.2", "Received: data.validation=0.2 too. Leave out one of the two"),
        ("model=lstm data.folds=5 data.fold=0", "text has no classes. Received: data.folds=5 with data=kjv"),
    ],
)
def test_what_does_not_go_together_is_refused_with_a_way_out(words, sentence):
    with pytest.raises(BadInput) as refused:
        compose(*words.split())
    assert sentence in str(refused.value)


def test_several_conflicts_are_told_at_once():
    with pytest.raises(BadInput, match=r"batch_size=full.*unknown metric.*An accuracy"):
        compose("optimizer=rprop", "monitor=val_lss", "stop.metric=accuracy", "stop.value=2")


@pytest.mark.parametrize(
    "words",
    [
        "model=linear data=mnist data.classes=[0,1]",
        "model=linear data=synthetic data.n_classes=2",
        "optimizer=rprop batch_size=full",
        "model=lstm model.carry_state=false batch_size=full optimizer=rprop",
        "data.classes=[3,7] class_weight=[1,2]",
        "model.output=probabilities loss=mse",
        "callbacks=[keras.callbacks.TerminateOnNaN] monitor=my_own_metric",
        "stop.metric=val_accuracy stop.value=0.98",
        "data.folds=5 data.fold=4",
        "experiment=mnist_98 data.folds=2 data.fold=0 data.limit=1000",
    ],
)
def test_what_goes_together_is_taken(words):
    compose(*words.split())


def test_a_data_set_of_the_users_has_folds_though_its_file_names_none(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "eight_by_eight.yaml").write_text("load: zoo.data.small.digits\ngives: vectors\n")
    options.search([tmp_path])
    try:
        data = compose("data=eight_by_eight", "data.folds=3", "data.fold=2").data
    finally:
        options.search([])
    assert (data.folds, data.fold) == (3, 2)
