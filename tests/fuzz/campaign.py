"""One target for a time: seeds, the fuzzing process, the minimized corpus, and a check that
memory does not grow.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.fuzz.packed import inputs, keep
from tests.fuzz.target import Target

BUILD = Path("build/fuzz")
INPUT_SECONDS = 10
RSS_LIMIT_MB = 1500
_STATUS = re.compile(r"^#(\d+)\s.*cov: (\d+) ft: (\d+).*rss: (\d+)Mb", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """What a run found. `rss_start` is after the seeds, `rss_growth` what replaying the corpus
    over and over adds, in MB.
    """

    target: str
    seconds: int
    execs: int
    coverage: int
    features: int
    rss_start: int
    rss_end: int
    rss_growth: float
    kept: int
    findings: list[str]
    date: str


def run(target: Target, seconds: int) -> Result:
    """Fuzz a target for `seconds` and keep its minimized corpus under tests/data/fuzz."""
    folder = BUILD / target.name
    shutil.rmtree(folder, ignore_errors=True)
    corpus, merged = folder / "corpus", folder / "merged"
    for place in (corpus, merged):
        place.mkdir(parents=True)
    for data in (*target.seeds(), *inputs(target.name)):
        (corpus / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)
    log = folder / "log"
    common = [
        f"-max_len={target.longest}",
        f"-timeout={INPUT_SECONDS}",
        f"-rss_limit_mb={RSS_LIMIT_MB}",
    ]
    if target.words:
        words = folder / "words"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
        common.append(f"-dict={words}")
    with log.open("w") as out:
        done = subprocess.run(
            [
                *_worker(target),
                *common,
                f"-max_total_time={seconds}",
                f"-artifact_prefix={folder}/",
                corpus,
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=seconds + 300,
            check=False,
        )
    text = log.read_text(errors="replace")
    findings = sorted(
        str(path) for path in folder.iterdir() if re.match(r"(crash|timeout|oom|leak)-", path.name)
    )
    if done.returncode and not findings:
        findings = [f"the fuzzing process ended with status {done.returncode}: see {log}"]
    kept = 0
    if not findings:
        with (folder / "merge.log").open("w") as out:
            subprocess.run(
                [*_worker(target), *common, "-set_cover_merge=1", merged, corpus],
                stdout=out, stderr=subprocess.STDOUT, timeout=900, check=True,
            )  # fmt: skip
        kept = keep(target.name, (path.read_bytes() for path in merged.iterdir()), target.most)
    status = [tuple(map(int, found)) for found in _STATUS.findall(text)]
    first, last = (status[0], status[-1]) if status else ((0, 0, 0, 0), (0, 0, 0, 0))
    growth = 0.0 if findings else _growth(target)
    return Result(
        target.name, seconds, last[0], last[1], last[2], first[3], last[3], growth, kept, findings,
        date.today().isoformat(),
    )  # fmt: skip


def _worker(target: Target) -> list[str]:
    return [sys.executable, "-m", "tests.fuzz.worker", target.name]


def _escaped(word: str) -> str:
    return "".join(
        chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in word.encode()
    )


def _growth(target: Target) -> float:
    """MB that replaying the kept corpus adds after the first rounds, in a process without
    instrumentation.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.soak", target.name],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return float(done.stdout)
