"""The contests of sweeps: many small runs, some larger ones, and what training together is worth."""

from benchmarks.contest import KERAS, Contest, Goal, Peer
from benchmarks.size import Size

_OPTIMIZERS = "optimizer=sgd,momentum,rmsprop,adam"
_INITS = "init=glorot_uniform,he_normal,lecun_normal,orthogonal,random_normal"


def xor(size: Size) -> Contest:
    """Return the sweep of many small runs."""
    optimizers = "optimizer=sgd,adam" if size.mnist else _OPTIMIZERS
    runs = 5 * (optimizers.count(",") + 1) * size.sweep_seeds
    words = ("model=xor_mlp", optimizers, _INITS, f"seed=range({size.sweep_seeds})", f"epochs={size.sweep_epochs}")
    name = "python train.py -m ..."
    return Contest(
        "sweep.xor_mlp",
        f"the whole of a sweep of {runs:,} runs over XOR, {size.sweep_epochs:,} epochs each, with "
        "start-up, tracking and report",
        (),
        (Peer(name, "command", ("{root}/train.py", "-m", *words)),),
        shown="command_seconds",
        goals=(
            Goal(name, None, "command_seconds", at_most=90, unit="s"),
            Goal(name, None, "peak_mb", at_most=2500, unit="MB"),
        ),
        repeats=3,
        agree="nothing",
    )


def mnist(size: Size) -> Contest:
    """Return the sweep of few larger runs, against as many fits of stock Keras."""
    small = ("data.limit=640", "model.hidden=[16]") if size.mnist else ()
    words = ("model=mnist_fcn", *small, f"seed=range({size.sweep_jobs})", "epochs=3")
    name = "python train.py -m ..."
    rows, units = ("640", "16") if small else ("0", "256")
    fits = ("{root}/benchmarks/peers/keras_fits.py", str(size.sweep_jobs), "3", rows, units)
    return Contest(
        "sweep.mnist_fcn",
        f"{size.sweep_jobs} runs of 784-256-10 on MNIST, 3 epochs each: a sweep against as many fits in one process",
        (),
        (Peer(name, "command", ("{root}/train.py", "-m", *words)), Peer(KERAS, "command", fits)),
        shown="command_seconds",
        goals=(Goal(KERAS, name, "command_seconds", at_least=3),),
        repeats=3,
        agree="nothing",
    )


def throughput(size: Size) -> Contest:
    """Return what training together is worth, without anything around it."""
    together, alone = "together", "one at a time"
    words = ("model=xor_mlp", "tracking=off", f"epochs={size.sweep_epochs}")
    many = (*words, _INITS, f"seed=range({size.sweep_seeds})")
    return Contest(
        "sweep.throughput",
        f"runs × epochs a second of {5 * size.sweep_seeds} runs of XOR that train together, against one run",
        words,
        (Peer(together, "zoo_population", spec={"words": many}), Peer(alone, "zoo_run", spec={"watch_epochs": False})),
        shown="epochs_per_second",
        goals=(Goal(together, alone, "epochs_per_second", at_least=500),),
        agree="nothing",
    )
