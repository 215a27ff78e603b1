"""Text that a language model wrote, as a file."""

from pathlib import Path


def save(text: str, folder: Path) -> Path:
    """Write generated text to `sample.txt` and return its path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sample.txt"
    path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    return path
