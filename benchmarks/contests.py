"""The table of contests: names, shapes, peers and goals. A small size of each runs in the tests."""

from benchmarks import records, sweeps
from benchmarks.contest import KERAS, TAPE, TORCH, Contest, Goal, Peer
from benchmarks.size import FULL, SMOKE, Size

__all__ = ["FULL", "KERAS", "SMOKE", "TORCH", "contests"]

FIT, BF16 = "zoo fit", "zoo tape bfloat16"


def contests(size: Size = FULL) -> list[Contest]:
    """Return the contests of a size."""
    gently = ("optimizer=sgd", "optimizer.learning_rate=0.2")  # with 1, rounding shows in the perplexity after 50 steps
    table = [
        _mnist(size),
        _language("lstm.adam", "lstm", size, torch=True, bfloat16=True, memory=True),
        _language("lstm.sgd", "lstm", size, *gently, torch=True),
        _language("gru.sgd", "gru", size, *gently),
        _language("rnn.sgd", "rnn", size, "optimizer=sgd", "optimizer.learning_rate=0.05"),
        _xor(size),
        _command(),
        _tracking("mnist_fcn", 1.03, *size.mnist, f"epochs={2 * size.mnist_epochs}"),
        _tracking("xor_mlp", 1.2, f"epochs={size.tracked_epochs}"),
        _checkpoints(size),
        _streaming("mnist_fcn", "examples", size, *size.mnist, f"epochs={size.mnist_epochs}"),
        _streaming("lstm", "tokens", size, *_text_words("lstm", size, size.steps)[1:], "epochs=3"),
        *(_start(model, size) for model in size.started),
        _jobs(size),
        _generation(size),
        sweeps.xor(size),
        sweeps.mnist(size),
        sweeps.throughput(size),
        records.load(size),
        records.bulk(size),
        *records.scale(size),
    ]
    return [contest for contest in table if contest.name not in size.left_out]


def others(tolerance: float | None = None) -> tuple[Peer, Peer]:
    """Return the peers that the zoo is compared with, stock Keras with a tolerance of its own."""
    return Peer(KERAS, "keras_fit", tolerance=tolerance), Peer(TORCH, "torch_loop", needs="torch")


def _mnist(size: Size) -> Contest:
    words = ("model=mnist_fcn", *size.mnist, f"epochs={size.mnist_epochs}")
    return Contest(
        "mnist_fcn",
        "784-256-10 on MNIST, batch 64, Adam",
        words,
        (
            Peer(TAPE, "zoo_run"),
            Peer(FIT, "zoo_run", ("loop=fit",)),
            Peer(KERAS, "keras_fit"),
            Peer(TORCH, "torch_loop", spec={"epochs": 2}, needs="torch"),
        ),
        goals=(
            Goal(TAPE, KERAS, "units_per_second", at_least=4),
            Goal(TAPE, TORCH, "units_per_second", at_least=4),
            Goal(FIT, KERAS, "units_per_second", at_least=1.8),
            Goal(TAPE, KERAS, "peak_mb", at_most=1.15),
        ),
        later=0.1,
    )


def _text_words(model: str, size: Size, steps: int) -> tuple[str, ...]:
    tokens = size.batch * (size.length * steps + 1)
    return (
        f"model={model}",
        *size.text,
        f"batch_size={size.batch}",
        f"data.sequence_length={size.length}",
        f"data.limit={tokens}",
    )


def _language(
    name: str, cell: str, size: Size, *words: str, torch: bool = False, bfloat16: bool = False, memory: bool = False
) -> Contest:
    short = {"valid": size.batch * (size.length + 1)}  # validation is no part of the speed
    zoo = [Peer(TAPE, "zoo_run", spec=short), Peer(FIT, "zoo_run", ("loop=fit",), short)]
    goals = [
        Goal(TAPE, KERAS, "units_per_second", at_least=1.7),
        Goal(FIT, KERAS, "units_per_second", at_least=1.5),
    ]
    if torch:
        goals += [Goal(loop, TORCH, "units_per_second", at_least=1.0) for loop in (TAPE, FIT)]
    if bfloat16:
        own = ("precision=mixed_bfloat16",)
        zoo.append(Peer(BF16, "zoo_run", own, short, needs="bfloat16", tolerance=0.01))
        goals.append(Goal(BF16, TORCH, "units_per_second", at_least=1.25))
    if memory:
        goals.append(Goal(TAPE, KERAS, "peak_mb", at_most=1.15))
    # Stock Keras squares an embedding's gradient before it adds up the occurrences of a word, the zoo and PyTorch
    # after: under Adam, words take other steps.
    by_occurrence = None if "optimizer=sgd" in words else 0.05
    return Contest(
        name,
        f"2 × 256 {cell}, vocabulary 10,000, batch 32 × 35, carried state, {name.partition('.')[2] or 'adam'}",
        (*_text_words(cell, size, size.steps), "epochs=3", *words),
        (*zoo, *others(by_occurrence)),
        goals=tuple(goals),
        unit="tokens",
        tolerance=5e-3,
        later=1e-2,
        perplexity=True,
    )


def _xor(size: Size) -> Contest:
    watch = {"watch_epochs": False}
    return Contest(
        "xor_mlp",
        "2-2-1 on XOR, batch 1, Adam; the zoo validates and records each epoch, the others do not",
        ("model=xor_mlp", f"epochs={size.xor_epochs}"),
        (Peer(TAPE, "zoo_run", spec=watch), *others()),
        shown="epochs_per_second",
        goals=(Goal(TAPE, KERAS, "epochs_per_second", at_least=50),),
        epochs=size.keras_xor_epochs,
        tolerance=1e-4,
        later=0.02,
    )


def _command() -> Contest:
    imports = Peer("import tensorflow, mlflow", "command", ("-c", "import tensorflow, mlflow"))
    return Contest(
        "command",
        "the whole of `python train.py model=xor_mlp`: import, train, track",
        (),
        (Peer("python train.py model=xor_mlp", "command", ("{root}/train.py", "model=xor_mlp")), imports),
        shown="command_seconds",
        goals=(Goal("python train.py model=xor_mlp", imports.name, "command_seconds", at_most=1.8),),
        agree="nothing",
    )


def _tracking(model: str, at_most: float, *words: str) -> Contest:
    watch = {"watch_epochs": False}
    on, off = "zoo tape, tracking on", "zoo tape, tracking off"
    goals = [Goal(on, off, "seconds_per_epoch", at_most=at_most)]
    if model == "xor_mlp":  # a metric of few epochs of a second each would drown in the noise of the seconds
        cost = Goal(on, off, "recorded_seconds_per_epoch", None, 1.0, "metrics_per_epoch", 1e3, "ms a metric")
        goals.append(cost)
    return Contest(
        f"tracking.{model}",
        f"{model}, tracked by MLflow in SQLite against tracking=off",
        (f"model={model}", *words),
        (Peer(on, "zoo_run", spec=watch), Peer(off, "zoo_run", ("tracking=off",), watch)),
        shown=None,
        goals=tuple(goals),
    )


def _checkpoints(size: Size) -> Contest:
    watch = {"watch_epochs": False}
    on, off = "zoo tape, checkpoints on", "zoo tape, checkpoints off"
    return Contest(
        "checkpoints.mnist_fcn",
        "mnist_fcn, a checkpoint after each epoch against none",
        ("model=mnist_fcn", *size.mnist, f"epochs={2 * size.mnist_epochs}"),
        (Peer(on, "zoo_run", spec=watch), Peer(off, "zoo_run", spec={**watch, "checkpoints": False})),
        shown=None,
        goals=(Goal(on, off, "seconds_per_epoch", at_most=1.02),),
    )


def _streaming(model: str, unit: str, size: Size, *words: str) -> Contest:
    files, memory = "zoo tape, from files", "zoo tape, from memory"
    short = {"valid": size.batch * (size.length + 1)} if model == "lstm" else {}
    return Contest(
        f"streaming.{model}",
        f"{model}, its data in shards against in memory",
        (f"model={model}", *words),
        (Peer(files, "zoo_run", ("data.streaming=true",), short), Peer(memory, "zoo_run", spec=short)),
        # A picture costs what it costs to read, which a network that learns it in a few microseconds cannot hide.
        goals=(Goal(files, memory, "units_per_second", at_least=0.9 if model == "lstm" else 0.7),),
        unit=unit,
    )


def _start(model: str, size: Size) -> Contest:
    language = model in ("rnn", "gru", "lstm")
    words: tuple[str, ...] = (f"model={model}", "epochs=3")
    if language:
        words = (*_text_words(model, size, 1), "epochs=3")
    elif model == "mnist_fcn":
        words = (*words, "data.limit=256")
    goals = (Goal(TAPE, KERAS, "compile_seconds", at_most=1.5),) if model == "lstm" else ()
    watch: dict[str, object] = {"watch_epochs": model == "mnist_fcn"}  # not where several epochs run in one call
    if language:
        watch = {"valid": size.batch * (size.length + 1)}
    return Contest(
        f"start.{model}",
        f"{model}: import, data, build, trace and compile, and the first step",
        words,
        (Peer(TAPE, "zoo_run", spec=watch), *(() if model == "feedback" else others())),
        shown="first_step_seconds",
        goals=goals,
        later=0.1,
        perplexity=language,
    )


def _jobs(size: Size) -> Contest:
    jobs = {"jobs": size.jobs}
    return Contest(
        "jobs",
        f"{size.jobs} runs in one process, growth of the resident set after the first tenth",
        ("model=xor_mlp", "epochs=2"),
        (Peer(TAPE, "zoo_jobs", spec=jobs),),
        shown=None,
        repeats=1,
        goals=(Goal(TAPE, None, "growth_mb", at_most=10, unit="MB"),),
    )


def _generation(size: Size) -> Contest:
    return Contest(
        "generation",
        "words written by the 2 × 256 LSTM, the likeliest each time, one after another with carried state",
        (*_text_words("lstm", size, 1), "epochs=1"),
        (
            Peer("zoo", "zoo_generate", spec={"length": size.words}),
            Peer(KERAS, "keras_predict", spec={"length": size.keras_words}),
        ),
        shown="words_per_second",
        goals=(Goal("zoo", KERAS, "words_per_second", at_least=10),),
        agree="ids",
    )
