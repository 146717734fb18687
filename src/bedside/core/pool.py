"""Several processes for one step: jobs go out in order, results come back in order, and only a few of each are in memory.

In        the module of a worker (`python -m MODULE`), what each begins with, jobs
Out       results, in the order of the jobs; what a job raised is raised here
Method    plain child processes that speak pickle over their own pipes. Not `multiprocessing`: that would run the caller's script
          again, or fork a process whose threads (Polars) do not survive it. Each child computes with one thread.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any, Self

from bedside.core.errors import BedsideError, Unusable, raised_at

_AHEAD = 31  # jobs a worker that wait or are done before their turn: behind one large part many small ones go on
_ONE_THREAD = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
Job = tuple[str, Any]


class Pool:
    """Workers of one module. Use it in a `with`."""

    def __init__(self, module: str, start: Any, count: int) -> None:
        self.count = count
        self._workers = [_Worker(module, start) for _ in range(count)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for worker in self._workers:
            worker.end(at_once=error is not None)

    def ordered(self, jobs: Iterable[Job]) -> Iterator[Any]:
        """Results in the order of the jobs."""
        waiting: deque[Future[Any]] = deque()
        with ThreadPoolExecutor(self.count) as threads:
            try:
                for job in jobs:
                    waiting.append(threads.submit(self._do, job))
                    if len(waiting) >= self.count * (1 + _AHEAD):
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for one in waiting:
                    one.cancel()

    def each(self, job: Job) -> None:
        """Give one job to every worker."""
        for worker in self._workers:
            worker.do(job)

    def _do(self, job: Job) -> Any:
        worker = self._idle.get()
        try:
            return worker.do(job)
        finally:
            self._idle.put(worker)


class _Worker:
    def __init__(self, module: str, start: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=os.environ | _ONE_THREAD | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},  # nothing from the folder that somebody stands in
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        _send(self._to, start)

    def do(self, job: Job) -> Any:
        try:
            _send(self._to, job)
            good, said = _receive(self._from)
        except (OSError, EOFError, pickle.UnpicklingError):
            raise Unusable("a worker process ended before its work", where=job[0], do="give it more memory, or run with --workers 1") from None
        if good:
            return said
        raise said

    def end(self, *, at_once: bool) -> None:
        if at_once:
            self._process.kill()
        for stream in (self._to, self._from):
            try:
                stream.close()
            except OSError:
                continue
        self._process.wait()


def serve(begin: Callable[[Any], Callable[[str, Any], Any]]) -> None:
    """The worker's side: `begin` makes of the start a function of (name of the job, argument)."""
    inward, outward = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not come between
    try:
        work = begin(_receive(inward))
        while True:
            name, argument = _receive(inward)
            try:
                answer = True, work(name, argument)
            except BedsideError as error:
                answer = False, error
            except Exception as error:  # noqa: BLE001  # told to the one who asked, without what it says, which may quote a record
                answer = False, RuntimeError(f"{type(error).__name__} in a worker, {raised_at(error)}")
            _send(outward, answer)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return


def _send(stream: IO[bytes], said: Any) -> None:
    pickle.dump(said, stream, protocol=5)
    stream.flush()


def _receive(stream: IO[bytes]) -> Any:
    return pickle.load(stream)
