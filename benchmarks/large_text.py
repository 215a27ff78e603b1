"""A text larger than memory: how fast a language model learns from files, and in how little memory.

    python -m benchmarks.large_text FOLDER --gigabytes 8

It writes a text of words that fall off as Zipf's law says, cuts it into shards, trains on them and, for comparison, on
a beginning of the text that fits into memory. Each part runs in a process of its own, whose resident memory is watched.
For 8 GB it needs 17 GB of disk and ten minutes.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.measure import ROOT

MODELS = {
    "lstm": ("model=lstm",),
    "small gru of words, shuffled": (
        "model=gru", "model.units=64", "model.embedding=32", "model.vocab_size=1000", "model.carry_state=false",
    ),
}  # fmt: skip
_STREAMED = "data.streaming=true"
_WORDS = 50_000
_BEGINNING = 2e8  # bytes, that fit into memory
_SECONDS = 30.0


def write(path: Path, size: float, seed: int = 0) -> None:
    """Write a text of at least so many bytes: 50,000 words, the n-th as frequent as 1/n, in lines of some words."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    found = sorted({"".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(_WORDS + _WORDS // 4)})
    words = np.array(found[:_WORDS], dtype=object)
    rng.shuffle(words)
    share = 1 / np.arange(1, len(words) + 1)
    until = np.cumsum(share / share.sum())
    done = 0
    with path.open("w", encoding="ascii") as file:
        while done < size:
            line = words[np.minimum(np.searchsorted(until, rng.random(1_000_000)), len(words) - 1)]
            ends = np.flatnonzero(rng.random(len(line)) < 0.06) + 1
            done += file.write("".join(f"{' '.join(part)}\n" for part in np.split(line, ends)))


def learn(words: Sequence[str]) -> dict[str, float]:
    """Return how fast steps of training are, and how long the data took to load; both are the config's."""
    began = time.perf_counter()
    import zoo
    from zoo import quiet
    from zoo.run import load

    config = zoo.compose(*words)
    splits = load(config)
    loaded = time.perf_counter() - began
    quiet.import_tensorflow()
    from zoo.training import batches, program
    from zoo.training.execution import Execution

    learn, measure = batches.training(splits, config), batches.evaluation(splits.valid, splits, config)
    made = program.prepare(config, splits, learn, measure)
    run = Execution(made.steps("learn", made.step, learn), learn)
    ends: list[tuple[int, float]] = []
    for _, done, _ in run.epoch():
        ends.append((done, time.perf_counter()))
        if ends[-1][1] - ends[0][1] > _SECONDS:
            break
    # What comes first is traced and compiled.
    (first, began), (last, ended) = ends[len(ends) // 4], ends[-1]
    per_second = (last - first) * learn.batch_size * learn.units / (ended - began)
    return {"load_seconds": loaded, "tokens": len(splits.train), "tokens_per_second": per_second}


def watched(*words: str) -> dict[str, Any]:
    """Return what a process of its own finds, with the most memory that it held, in MB."""
    command = [sys.executable, "-m", "benchmarks.large_text", "--learn", json.dumps(words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        most = 0
        process_info = psutil.Process(process.pid)

        def watch() -> None:
            nonlocal most
            while process.poll() is None:
                try:
                    most = max(most, process_info.memory_info().rss)
                except psutil.Error:
                    return
                time.sleep(0.05)

        thread = threading.Thread(target=watch)
        thread.start()
        printed, _ = process.communicate()
        thread.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}.")
    return {**json.loads(printed.splitlines()[-1]), "resident_mb": most / 1e6}


def main() -> None:
    """Measure, and print a line for each model and place of the data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--gigabytes", type=float, default=8)
    parser.add_argument("--learn", type=json.loads, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.learn:
        print(json.dumps(learn(asked.learn)))
        return
    if asked.folder is None:
        parser.error("the following arguments are required: folder")
    folder = asked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    large, small = folder / "large.txt", folder / "beginning.txt"
    for path, size in ((large, 1e9 * asked.gigabytes), (small, min(_BEGINNING, 1e9 * asked.gigabytes))):
        if not path.exists():
            write(path, size)
    memory, files = ("from memory", (f"data.train={small}",)), ("from files", (f"data.train={large}", _STREAMED))
    rows = [(model, *place) for model in MODELS for place in (memory, files)]
    print(f"{'':50} {'tokens/s':>10} {'loaded in':>10} {'resident':>10}   training tokens")
    for model, place, words in [("lstm", "from files, which are cut first", files[1]), *rows]:
        found = watched(*MODELS[model], "data=text", f"data_dir={folder}", *words)
        speed, loaded, resident = found["tokens_per_second"], found["load_seconds"], found["resident_mb"]
        print(
            f"{f'{model}, {place}':50} {speed:10,.0f} {loaded:8.1f} s {resident:7,.0f} MB   {found['tokens']:,}",
            flush=True,
        )


if __name__ == "__main__":
    main()
