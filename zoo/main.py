"""The Hydra entry behind `python train.py` and `zoo train`: help, composition, the run, and one exit code.

Nothing heavy is imported before the config has been checked.
"""

import os
import sys
from pathlib import Path

from zoo import options
from zoo.config import BadInput, Config

EXIT_BAD_INPUT = 2


def main() -> int:
    """Train what the command line asks for and return the exit code: see the table in zoo/run.py."""
    words = sys.argv[1:]
    if "--help" in words or "-h" in words:
        print(help_text())
        return 0
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import DictConfig

    from zoo.explain import explain, is_hydras
    from zoo.start import prepare, settle

    prepare()
    exit_codes: list[int] = []

    def job(tree: DictConfig) -> float | None:
        hydra_config = HydraConfig.get()
        folder = Path(hydra_config.runtime.output_dir)
        try:
            config = settle(tree, list(hydra_config.overrides.task))
            from zoo.run import run

            result = run(config, folder=folder)
        except BadInput:
            if not any(folder.iterdir()):
                folder.rmdir()
            raise
        exit_codes.append(result.exit_code)
        return result.target

    # Hydra prints an error of its own and exits with 1; with this it raises, and the error is ours to explain.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    job.__module__ = "__main__"
    try:
        hydra.main(version_base="1.3", config_path=str(options.conf_dir()), config_name="config")(job)()
    except BadInput as error:
        return refuse(error)
    except Exception as error:
        overrides = [word for word in words if not word.startswith("-")]
        if not is_hydras(error):
            raise
        return refuse(explain(error, overrides))
    return max(exit_codes, default=0)


def refuse(error: BadInput) -> int:
    """Print what is wrong with the input and return the exit code."""
    print(f"zoo: {error}", file=sys.stderr)
    return EXIT_BAD_INPUT


def help_text() -> str:
    """Return what `--help` prints: every group, every option, a line on each."""
    lines = [
        "Train a model of the zoo and track the run in MLflow.",
        "",
        "  python train.py                                  the default model on its default data",
        "  python train.py model=lstm optimizer=adam        choose; every group goes with every other",
        "  python train.py model=xor_mlp model.hidden=[4]   set any key",
        "  python train.py -m seed=0,1,2                    one run for each value",
        "  python train.py model=lstm --cfg job             show the composed config and stop",
        "",
    ]
    for group, names in options.groups().items():
        default = options.default(group) or {"data": "the model's", "optimizer": "the model's"}.get(group)
        lines.append(f"{group}=" + (f"   (default: {default})" if default else ""))
        lines += [f"  {name:<18}{options.summary(group, name)}" for name in names]
        lines.append("")
    lines.append("Keys at the root (see conf/config.yaml for what each does):")
    lines.append("  " + "  ".join(key for key in Config.model_fields if key not in options.groups()))
    lines += ["", "Hydra's own flags: --multirun/-m, --cfg job, --info, --config-dir, --shell-completion, --hydra-help"]
    return "\n".join(lines)
