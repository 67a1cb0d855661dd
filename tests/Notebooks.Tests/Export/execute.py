"""Executes notebooks in place, each in a kernel of its own, COUNT at a time: execute.py COUNT FILE..."""
import asyncio
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


async def execute(gate, file):
    async with gate:
        notebook = nbformat.read(file, as_version=4)
        place = {"metadata": {"path": str(Path(file).parent)}}
        await NotebookClient(notebook, timeout=300, kernel_name=".net-csharp", allow_errors=True, resources=place).async_execute()
        nbformat.write(notebook, file)


async def main(count, *files):
    gate = asyncio.Semaphore(int(count))
    await asyncio.gather(*(execute(gate, file) for file in files))


asyncio.run(main(*sys.argv[1:]))
