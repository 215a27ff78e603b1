"""The command line, from its words to exit code and paragraph, within this process."""

import logging
import sys
from pathlib import Path

import pytest

from zoo.command.main import main
from zoo.start import options

BAD = [
    # Unknown options, groups and keys
    ("model=lstmm", "Unknown model 'lstmm'. Did you mean 'lstm'?"),
    ("data=mnits", "Unknown data 'mnits'. Did you mean 'mnist'?"),
    ("optimizer=adamm", "Did you mean 'adam'"),
    ("init=he_norma", "Did you mean 'he_normal'"),
    ("schedule=cosin", "Did you mean 'cosine'"),
    ("loop=fitt", "Did you mean 'fit'?"),
    ("tracking=of", "Did you mean 'off'?"),
    ("experiment=unknown", "Unknown experiment 'unknown'. Available: "),
    ("debug=smok", "Did you mean 'smoke'?"),
    ("modle=lstm", "Unknown key 'modle'. Did you mean 'model'?"),
    ("optimiser=adam", "Unknown key 'optimiser'. Did you mean 'optimizer'?"),
    ("optimiser.learning_rate=1", "Did you mean 'optimizer.learning_rate'?"),
    ("model.hiden=[3]", "Did you mean 'model.hidden'?"),
    ("optimizer.learning_rat=1", "Did you mean 'optimizer.learning_rate'?"),
    ("learning_rate=1", "Did you mean 'optimizer.learning_rate'?"),
    ("hidden=[3]", "Did you mean 'model.hidden'?"),
    ("sede=1", "Did you mean 'seed' or 'schedule'?"),
    ("early_stopping.patienc=1", "Did you mean 'early_stopping.patience'?"),
    ("loop.jitt=true", "Did you mean 'loop.jit'?"),
    ("tracking.url=x", "Did you mean 'tracking.uri'?"),
    ("model.units=3", "These have it: model=gru, model=lstm, model=rnn."),
    ("optimizer=sgd optimizer.beta_1=0.5", "optimizer=sgd has no key 'optimizer.beta_1'. These have it: "),
    ("+new.key=1", "Unknown key 'new.key'. Available: "),
    ("+seed.sub=1", "Unknown key 'seed.sub'"),
    ("++model.foo=1", "model=mnist_fcn has no key 'model.foo'. Available in model: "),
    ("+model.hiden=[3]", "Did you mean 'model.hidden'?"),
    ("+optimizer.lr=1", "optimizer=adam has no key 'optimizer.lr'"),
    ("model.name=lstm", "Choose another: model=lstm"),
    # Wrong types
    ("epochs=abc", "epochs should be a whole number above 0. Received: epochs=abc."),
    ("epochs=1.5", "Received: epochs=1.5."),
    ("epochs=true", "Received: epochs=true."),
    ("epochs=null", "Received: epochs=null."),
    ("epochs=[3]", "Received: epochs=[3]."),
    ("epochs='3'", "Received: epochs='3', which is text."),
    ("epochs=1e30x", "Received: epochs=1e30x."),
    ("model.hidden=abc", "A list stands in brackets: model.hidden=[abc]."),
    ("model.hidden=3", "A list stands in brackets: model.hidden=[3]."),
    ("model.hidden=[a]", "a list of whole numbers above 0. Received: model.hidden=[a]."),
    ("model.hidden=[3,null]", "Received: model.hidden=[3,null]."),
    ("batch_size=foo", "a whole number above 0 or full. Received: batch_size=foo."),
    ("batch_size=ful", "Received: batch_size=ful."),
    ("seed=-1", "a whole number from 0 to 4294967295. Received: seed=-1."),
    ("seed=4294967296", "Received: seed=4294967296."),
    ("name='a\u202eb'", "name should be a line of printable text, or null. Received: name=a\\u202eb."),
    ("deterministic=maybe", "deterministic should be true or false. Received: deterministic=maybe."),
    ("deterministic=1", "Received: deterministic=1."),
    ("model.batch_normalization=0", "true or false"),
    ("dry_run=yes", "true or false"),
    ("loop.jit=1", "true or false, or null"),
    ("optimizer.learning_rate=nan", "a number above 0, and finite. Received: optimizer.learning_rate=nan."),
    ("optimizer.learning_rate=inf", "Received: optimizer.learning_rate=inf."),
    ("optimizer.learning_rate=null", "Received: optimizer.learning_rate=null."),
    ("optimizer.learning_rate=true", "Received: optimizer.learning_rate=true."),
    ("optimizer.learning_rate=fast", "Received: optimizer.learning_rate=fast."),
    ("optimizer.amsgrad=3", "true or false"),
    ("model.activation=reluu", "Did you mean model.activation=relu?"),
    ("model.dropout=half", "a number of at least 0 and below 1"),
    ("loss=cross", "auto, mse, binary_crossentropy, categorical_crossentropy or probabilities_as_logits"),
    ("precision=float16", "float32, mixed_bfloat16 or mixed_float16"),
    ("data=synthetic data.samples=0", "data.samples should be"),
    ("data=synthetic data.n_classes=1", "data.n_classes should be"),
    ("data=synthetic data.spread=-0.1", "data.spread should be"),
    ("data.scale=units", "unit, standardize or none"),
    ("model=lstm data=text data.train=x data.split=20", "data.split should be"),
    ("init=variance_scaling init.mode=fan", "fan_in, fan_out or fan_avg"),
    ("schedule=warm_restarts schedule.period=0", "schedule.period should be"),
    ("data=digits class_weight=[1,2]", "one weight for each of the 10 classes"),
    ("class_weight=[a]", "balanced or a list of numbers above 0, or null"),
    ("callbacks=keras.callbacks.TerminateOnNaN", "A list stands in brackets"),
    ("callbacks=[3]", "a list of import paths"),
    ("early_stopping=3", "a group of keys (patience, metric, min_delta)"),
    ("data.augment=shift", "A list stands in brackets: data.augment=[shift]."),
    ("data.augment=[flip]", "a list of shift or rotate"),
    ("name=[a,b]", "name should be a line of printable text"),
    # Negative and zero sizes
    ("epochs=0", "above 0"),
    ("epochs=-3", "above 0"),
    ("batch_size=0", "above 0"),
    ("model.hidden=[0]", "above 0"),
    ("model.hidden=[3,-1]", "above 0"),
    ("model=lstm model.units=0", "above 0"),
    ("model=lstm model.vocab_size=-1", "above 0"),
    ("model=lstm data.sequence_length=0", "above 0"),
    ("data.limit=0", "above 0"),
    ("data.validation=0", "a whole number of examples, or a fraction below 1"),
    ("data.validation=-5", "a whole number of examples, or a fraction below 1"),
    ("model.dropout=1", "below 1"),
    ("optimizer.learning_rate=0", "above 0"),
    ("optimizer.learning_rate=-0.1", "above 0"),
    ("model.l2=-1", "at least 0"),
    ("early_stopping.patience=-1", "at least 0"),
    # What does not go together
    ("model=lstm data=xor", "model=lstm reads tokens or sequences, but data=xor gives vectors"),
    ("model=mnist_fcn data=kjv", "model=mnist_fcn reads vectors, but data=kjv gives tokens"),
    ("optimizer=rprop", "Add batch_size=full."),
    ("data.classes=[1]", "at least two different classes"),
    ("data.classes=[1,1]", "at least two different classes"),
    ("data=digits data.classes=[3,77]", "classes from 0 to 9"),
    ("model=xor_mlp data.classes=[0,1]", "data=xor has no key 'data.classes'"),
    ("stop.metric=val_loss", "stop.metric needs stop.value"),
    ("monitor=val_acc", "Did you mean 'val_accuracy'"),
    ("model=xor_mlp class_weight=[1,2,3]", "one weight for each of the 2 classes"),
    ("model=linear label_smoothing=0.1", "not with the mean squared error"),
    ("loss=mse", "puts out logits"),
    # Text
    ("model=lstm data=text", "Received: none of them"),
    ("model=lstm data=text data.train=missing.txt", "no such file"),
    ("model=lstm data=text data.train=empty.txt", "is empty"),
    ("model=lstm data=text data.train=blank.txt", "is empty"),
    ("model=lstm data=text data.train=binary.dat", "is not UTF-8"),
    ("model=lstm data=text data.train=folder", "is a folder"),
    ("model=lstm data=text data.train=plain.txt data.valid=plain.txt", "Received: data.train=plain.txt data.valid"),
    ("model=lstm data=text data.train=plain.txt model.vocab_size=5000", "it has 7 distinct words"),
    ("model=lstm data=text data.train=plain.txt data.sequence_length=500", "but one sequence takes 501"),
    # Folders, stores and code
    ("data_dir=plain.txt/data", "cannot be written"),
    ("data_dir=plain.txt", "cannot be written"),
    ("tracking.uri=nonsense", "tracking.uri should be the address of a database"),
    ("tracking.uri=ftp://host/x", "tracking.uri should be the address of a database"),
    ("tracking.uri=sqlite:///", "tracking.uri should name a database file"),
    ("model=custom", "model.build has no default"),
    ("model=custom model.build=nowhere", "an import path such as"),
    ("model=custom model.build=nowhere.build", "there is no module 'nowhere'"),
    ("model=custom model.build=zoo.models.mlp.buld", "but it has 'build'"),
    ("callbacks=[nowhere.Callback]", "there is no module 'nowhere'"),
    ("callbacks=[keras.callbacks.Nothing]", "keras.callbacks has no 'Nothing'"),
    ("data.load=nowhere.load", "there is no module 'nowhere'"),
    # Grammar and flags
    ("model.hidden=[3", "every [ needs a ]"),
    ("epochs=${seed", "every { needs a }"),
    ("epochs=${nothing}", "Can't work out epochs"),
    ("lstm", "expected key=value"),
    ("model=lstm,gru", "Add -m"),
    ("seed=range(3)", "Add -m"),
    ("model=lstm model=gru", "model is chosen twice: lstm and gru"),
    ("~optimizer", "a run needs every key"),
    ("model@here=lstm", "by an @"),
    ("+experiment=mnist_98", "without the plus"),
    ("model=null", "Every run has one option of model"),
    ("--epochs 5", "Keys are set without dashes"),
    ("--config-dir nowhere", "--config-dir should name a folder"),
    ("--cfg job epochs=abc", "Received: epochs=abc."),
    ("--cfg job -p modle", "Unknown key 'modle'"),
    ("--help model=lstmm", "Unknown model 'lstmm'"),
    ("-sc install=tcsh", "-sc expects install=bash"),
    ("--info nonsense", "Unknown --info 'nonsense'"),
    # Sweeps: found before the first run
    ("-m seed=0,1 epochs=abc", "epochs should be a whole number"),
    ("-m model=xor_mlp,lstm data=xor", "model=lstm reads tokens"),
    ("-m seed=interval(0,1)", "names a range without steps"),
    ("-m optimizer=glob(zzz)", "fits no optimizer"),
    # Beside words for Hydra
    ("hydra.run.dir=there epochs=abc", "epochs should be"),
    ("hydra.nothing=1", "hydra.nothing"),
]


@pytest.fixture
def logging_as_it_was():
    """Undo what Hydra does to the root logger of a process that lives on."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def here(tmp_path, monkeypatch, logging_as_it_was):
    """An empty folder but for some files, where nothing may be left and TensorFlow may not be imported."""
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "blank.txt").write_bytes(b" \n\n")
    (tmp_path / "binary.dat").write_bytes(b"\x80\xff\x00")
    (tmp_path / "plain.txt").write_bytes(b"one two three four five\n" * 40)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    monkeypatch.setattr("zoo.quiet.import_tensorflow", lambda: pytest.fail("TensorFlow is imported"))
    yield tmp_path
    options.search([])


def answer(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["train.py", *line.split()])
    return main()


@pytest.mark.parametrize(("line", "sentence"), BAD, ids=[line for line, _ in BAD])
def test_bad_input_gives_one_paragraph_and_code_2_and_leaves_nothing(line, sentence, here, monkeypatch, capsys):
    before = sorted(here.rglob("*"))
    assert answer(line, monkeypatch) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("zoo: ")
    assert printed.err.count("\n") == 1
    assert sentence in printed.err
    for jargon in ("Input should", "pydantic", "Traceback", "None", "GlobalHydra"):
        assert jargon not in printed.err
    assert sorted(here.rglob("*")) == before


def test_the_vocabulary_of_prepared_text_may_not_be_exceeded(here, monkeypatch, capsys, data_dir):
    assert answer("model=lstm model.vocab_size=200000", monkeypatch) == 2
    assert "model.vocab_size=200000 is more than the training text gives" in capsys.readouterr().err
    assert not (here / "mlflow.db").exists()


def test_all_mistakes_of_a_line_are_told_at_once(here, monkeypatch, capsys):
    line = "model=lstmm optimiser=adam epochs=abc seed=-1 schedule=step schedule.every=0 loop.jt=true ~data hello"
    assert answer(line, monkeypatch) == 2
    printed = capsys.readouterr().err
    for mistake in (
        "'lstmm'",
        "'optimiser'",
        "epochs=abc",
        "seed=-1",
        "schedule.every=0",
        "'loop.jt'",
        "'~data'",
        "'hello'",
    ):
        assert mistake in printed


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--help", "model=   (default: mnist_fcn)"),
        ("-h model=lstm", "vocab_size: 10000"),
        ("--version", "tensorflow"),
        ("--cfg job model=lstm -p model.units", "256"),
        ("model=lstm -c job optimizer=sgd", "name: sgd"),
        ("--cfg hydra -p hydra.job.name", "train"),
        ("-sc install=bash", "complete -o nospace"),
        ("--info defaults", "Defaults List"),
    ],
)
def test_what_is_only_told_leaves_nothing(line, expected, here, monkeypatch, capsys):
    before = sorted(here.rglob("*"))
    assert answer(line, monkeypatch) == 0
    assert expected in capsys.readouterr().out
    assert sorted(here.rglob("*")) == before


def test_modules_of_the_current_folder_are_found(here, monkeypatch, capsys):
    Path("my_nets.py").write_text("def wide(spec): pass\n")
    assert answer("model=custom model.build=my_nets.wide --cfg job -p model.build", monkeypatch) == 0
    assert capsys.readouterr().out == "my_nets.wide\n"
