"""The processes of a soak: started, harmed, and ended, each by its own pid."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.children import ROOT
from tests.soak.plan import CREW

ENDS_WITHIN = 45.0  # s


class Crew:
    """One process of each kind; whoever is killed is started again by ``mend``."""

    def __init__(self, url: str, folder: Path, life: float, seed: int) -> None:
        self.words = [url, str(folder), str(life)]
        self.seed = seed
        self.started = 0
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.troubled: list[str] = []  # ended otherwise than they should
        self.killed: set[int] = set()

    def mend(self) -> None:
        """Start who is not there."""
        for name, kind in CREW.items():
            process = self.processes.get(name)
            if process is not None and process.poll() is None:
                continue
            if process is not None:
                self._look_back(name, process)
            self.started += 1
            words = [kind, name, *self.words, f"{self.seed} {self.started}"]
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.soak.actor", *words],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )

    def kill(self, name: str) -> None:
        """As a crash."""
        self.killed.add(self.processes[name].pid)
        self.processes[name].kill()
        self.processes[name].wait()

    def pause(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)

    def end(self) -> None:
        """All at once, in order."""
        self.resume()
        for process in self.processes.values():
            process.terminate()
        for name, process in self.processes.items():
            try:
                process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self.troubled.append(f"{name} does not end")
                process.kill()
            self._look_back(name, process)

    def _look_back(self, name: str, process: subprocess.Popen[str]) -> None:
        _, said = process.communicate(timeout=ENDS_WITHIN)
        if process.pid not in self.killed and (process.returncode or said):
            self.troubled.append(f"{name} ended with {process.returncode}: {said[-500:]}")

    def leave_nobody(self) -> None:
        """Whatever happened."""
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()
