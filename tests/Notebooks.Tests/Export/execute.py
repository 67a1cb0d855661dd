"""Executes notebooks in place, each in a kernel of its own, COUNT at a time: execute.py COUNT FILE...

A kernel that listens on other addresses than this machine's own is a fault."""
import asyncio
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

LISTENING, LOOPBACK = "0A", {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


def family(pid):
    """A process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [one for child in children for one in family(int(child))]


def addresses(pid):
    """Where a process listens, as Linux tells."""
    links = [os.readlink(link.path) for link in os.scandir(f"/proc/{pid}/fd")]
    sockets = {link[len("socket:["):-1] for link in links if link.startswith("socket:[")}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and fields[9] in sockets:
                yield fields[1].split(":")[0]


async def execute(gate, start, file):
    """One kernel starts at a time: two that look for a free port at the same moment take the same one, and the second ends."""
    async with gate:
        await start.acquire()
        starting, heard = [True], []

        def started():
            if starting:
                starting.clear()
                start.release()

        def executed(**_):
            if starting and sys.platform == "linux":
                heard.extend(address for pid in family(client.km.provisioner.pid) for address in addresses(pid))
            started()

        try:
            notebook = nbformat.read(file, as_version=4)
            place = {"metadata": {"path": str(Path(file).parent)}}
            # A busy machine takes a minute and more to start a kernel.
            client = NotebookClient(
                notebook, timeout=300, startup_timeout=300, kernel_name=".net-csharp", allow_errors=True, resources=place)
            client.on_cell_executed = executed
            await client.async_execute()
        finally:
            started()
        if sys.platform == "linux" and not (heard and LOOPBACK.issuperset(heard)):
            raise RuntimeError(f"{file}: the kernel listens on {heard}, which is not this machine's own address alone")
        nbformat.write(notebook, file)


async def main(count, *files):
    gate, start = asyncio.Semaphore(int(count)), asyncio.Lock()
    await asyncio.gather(*(execute(gate, start, file) for file in files))


asyncio.run(main(*sys.argv[1:]))
