"""A script that lets tensorflow-datasets download a data set's original files: tfds_download.py NAME FOLDER.

It stands alone: zoo.data.sources runs it in a process of its own.
"""

import shutil
import sys
from pathlib import Path


def download(name: str, folder: Path) -> None:
    """Download and verify the files of a data set into `folder`/files, under their own names."""
    import tensorflow_datasets as tfds

    infos = tfds.builder_cls(name).url_infos
    urls = sorted(infos)
    manager = tfds.download.DownloadManager(
        download_dir=folder / "downloads", url_infos=infos, dataset_name=name, force_checksums_validation=True
    )
    files = folder / "files"
    files.mkdir()
    for url, path in zip(urls, manager.download(urls), strict=True):
        shutil.copyfile(path, files / url.rsplit("/", 1)[-1])


if __name__ == "__main__":
    download(sys.argv[1], Path(sys.argv[2]))
