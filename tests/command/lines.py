"""Command lines as people type them, and what typing mistakes, programs and attackers make of them."""

from hypothesis import strategies as st

LINES = (
    "model=lstm data=text data.train=plain.txt data.sequence_length=5 optimizer=adam",
    "model=xor_mlp model.hidden=[4] optimizer=rprop batch_size=full epochs=10 seed=3",
    "model=mnist_fcn data=digits data.classes=[0,1] early_stopping.patience=3",
    "data=synthetic data.samples=100 data.features=3 data.n_classes=2 data.spread=0.5",
    "model=feedback optimizer=sgd optimizer.learning_rate=0.01 schedule=cosine",
    "experiment=xor_reliable seed=7 name=my_run",
    "model=linear loop=fit tracking=off debug=smoke dry_run=true",
    "model=gru data=adding init=orthogonal precision=mixed_bfloat16 loop.jit=false",
    "model=custom model.build=zoo.models.mlp.build +model.hidden=[3] data=digits",
    "tracking.uri=sqlite:///runs.db tracking.experiment=mine stop.metric=val_loss stop.value=0.1",
    "model=linear callbacks=[keras.callbacks.TerminateOnNaN] class_weight=[1,2] checkpoint.seconds=5",
    "resume=0123456789abcdef epochs=20",
    "rerun=last seed=4",
    "-m model=xor_mlp optimizer=sgd,adam seed=range(3)",
    "-m model=xor_mlp optimizer=glob(a*) init=choice(zeros,ones) data=xor",
    "-m model=linear sweep.paired=[optimizer,seed] optimizer=sgd,adam seed=0,1",
    "sweep=seeds model=xor_mlp sweep.keep=none",
    "--cfg job model=lstm -p optimizer",
    "--config-dir folder model=linear",
    "--help model=lstm",
    "-sc query=bash model=l",
    "--info defaults model=linear",
    "hydra.job.name=there model=linear",
)
VERBS = (
    "report last",
    "report sweep=0123456789abcdef folder=here",
    "report filter=params.epochs='3' tracking.uri=sqlite:///runs.db",
    "evaluate last data=digits data.classes=[0,1] name=some log=false folder=here",
    "predict last input=plain.txt top=3",
    "doctor",
    "doctor tracking.uri=sqlite:///runs.db",
    "sync tracking.uri=http://127.0.0.1:9",
    "recipes readme=plain.txt page=plain.txt",
    "train model=linear epochs=3",
    "generate last prompt=word length=9 temperature=0.8 top_k=40 top_p=0.95 seed=1",
    "export run=0123456789abcdef format=saved_model to=folder overwrite=true",
    "register run=models:/name@champion name=name alias=champion",
    "serve last port=5001",
    "prune what=checkpoints,models keep=best yes=true",
    "prune filter=params.epochs='3' what=models",
)
VALUES = (
    "", " ", "null", "true", "0", "-1", "-0.0", "1e400", "nan", "inf", "-inf", "0x10", "1_000", "1e3", "9" * 400,
    "1e18",
    "1000000000000", "4294967296", "[]", "[[]]", "[null]", "{}", "{a:1}", "[1,2", "1]", "'", '"', "\\", "''", '"a b"',
    "a b", "a,b", "range(0)", "range(1,2,0)", "range(1000000000000)", "glob(*)", "interval(0,1)", "sort(3,1)",
    "cast(1)",
    "${seed}", "${nothing}", "${epochs}", "${oc.env:NOWHERE}", "${oc.env:HOME}", "${", "${}", "${${seed}}",
    "${oc.create:{a:1}}", "${zoo_new_folder:x}", "???", "../../etc/passwd", "/dev/zero", "/dev/full", "folder", "~",
    "~nobody/x", "loop", "<script>alert(1)</script>", "$(touch attacked)", "`touch attacked`", "; rm -rf x", "%s%n",
    "\x00", "\x1b[2J", "\u202e", "\ud800", "\udcff", "é", "名前", "\U0001f984", "a" * 5000, "[" * 500, "(" * 500,
    "[" * 300 + "]" * 300, "{a:" * 200 + "1" + "}" * 200, "!!python/object/apply:os.system [id]", "os.system",
    "builtins.exec", "zoo.config.nothing", "..", ".", "a.b.c", "ftp://me:secret@host/x",
)  # fmt: skip
KEYS = (
    "model", "epochs", "seed", "sede", "optimizer.learning_rate", "model.hidden", "model.dropout", "batch_size", "data",
    "data.limit", "data.validation", "data.train", "data.samples", "data.fold", "data.folds", "name", "callbacks",
    "monitor", "schedule", "tracking.uri", "tracking.experiment", "model.build", "data.load", "optimizer.class_name",
    "early_stopping", "checkpoint.seconds", "hydra/launcher", "hydra.searchpath", "sweep", "sweep.resume", "sweep.keep",
    "sweep.lr_scale", "resume", "rerun", "class_weight", "stop.value", "init.bias", "a.b.c", "__class__", "", "+x",
    "~x",
    "model.__init__", "loop.jit", "debug", "experiment", "data_dir", "optimizer@x", "loop.accelerate",
    "model.vocab_size",
)  # fmt: skip
FRAGMENTS = (
    "[", "]", "{", "}", "(", ")", "'", '"', "\\", "$", "${", "=", "==", ",", ":", ".", "..", "../", "/", "@", "~", "+",
    "-", "--", " ", "\t", "\n", "\x00", "\x07", "\x1b[31m", "\u200b", "\u202e", "\ufeff", "\udcff", "é", "\U0001f984",
    "#",
    "&", "|", "%", "*", "?", "!", "<", ">", "0", "1e9", "null", "${seed}",
)  # fmt: skip
_TEXT = st.text(st.characters(codec=None), max_size=12)


def _cut(draw: st.DrawFn, words: list[str], at: int) -> list[str]:
    word = words[at]
    first, second = sorted(draw(st.tuples(*[st.integers(0, len(word))] * 2)))
    return [word[:first] + word[second:]]


def _doubled(draw: st.DrawFn, words: list[str], at: int) -> list[str]:
    word = words[at]
    first, second = sorted(draw(st.tuples(*[st.integers(0, len(word))] * 2)))
    return [word[:second] + word[first:]]


def _swapped(draw: st.DrawFn, words: list[str], at: int) -> list[str]:
    word = words[at]
    place = draw(st.integers(0, max(0, len(word) - 2)))
    return [word[:place] + word[place : place + 2][::-1] + word[place + 2 :]]


def _inserted(draw: st.DrawFn, words: list[str], at: int) -> list[str]:
    word, place = words[at], draw(st.integers(0, len(words[at])))
    return [word[:place] + draw(st.sampled_from(FRAGMENTS) | _TEXT) + word[place:]]


def _valued(draw: st.DrawFn, words: list[str], at: int) -> list[str]:
    return [f"{words[at].partition('=')[0]}={draw(st.sampled_from(VALUES) | _TEXT)}"]


def _added(draw: st.DrawFn, words: list[str], at: int) -> list[str]:
    return [words[at], f"{draw(st.sampled_from(KEYS))}={draw(st.sampled_from(VALUES) | _TEXT)}"]


def _left_out(draw: st.DrawFn, words: list[str], at: int) -> list[str]:
    return []


def _repeated(draw: st.DrawFn, words: list[str], at: int) -> list[str]:
    return [words[at]] * 2


def _any_text(draw: st.DrawFn, words: list[str], at: int) -> list[str]:
    return [draw(st.text(st.characters(codec=None), max_size=60))]


_MUTATIONS = (_cut, _doubled, _swapped, _inserted, _valued, _valued, _added, _added, _left_out, _repeated, _any_text)


@st.composite
def mutated(draw: st.DrawFn, lines: tuple[str, ...]) -> list[str]:
    """Draw a line and change it in one to three places."""
    words = draw(st.sampled_from(lines)).split()
    for _ in range(draw(st.integers(1, 3))):
        if not words:
            break
        at = draw(st.integers(0, len(words) - 1))
        words[at : at + 1] = draw(st.sampled_from(_MUTATIONS))(draw, words, at)
    return words
