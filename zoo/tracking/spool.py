"""What waits on disk for a tracking server, run by run, and how it is sent."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from zoo.tracking import process
from zoo.tracking.address import mask
from zoo.tracking.outbox import read, spool_folder
from zoo.tracking.remote import send_file


class Said(NamedTuple):
    """Whether something was sent, and that in a sentence."""

    done: bool
    sentence: str


@dataclass(frozen=True)
class Waiting:
    """The record of a run that a server was not told of.

    Attributes:
        file: It waits there.
    """

    file: Path

    def send(self, uri: str | None = None) -> Said:
        """Send it.

        Args:
            uri: The server's address, where what is on disk lacks its password; another server's is not used.
        """
        from zoo.tracking.store import open_client

        try:
            header, _ = read(self.file)
        except (OSError, ValueError) as error:
            return Said(False, f"{self.file} can't be read: {error}")
        run, server = header["run_id"], str(header.get("uri", ""))
        if not process.is_gone(header):
            return Said(False, f"{run} is at work, and sends by itself what waits in {self.file}.")
        address = uri if uri is not None and mask(uri) == server else server
        try:
            run, count = send_file(self.file, open_client(address))
        except Exception as error:  # each driver has exceptions of its own
            reason = mask(str(error)).strip().partition("\n")[0]
            return Said(False, f"{run} can't be sent to {server}: {reason}")
        return Said(True, f"{run}: {count:,} entries were sent to {server}.")


def waiting() -> list[Waiting]:
    """Return what waits, the oldest first."""
    files = spool_folder().glob("*.jsonl")
    return [Waiting(file) for file in sorted(files, key=lambda file: file.lstat().st_mtime)]
