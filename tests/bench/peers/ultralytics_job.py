"""`predict(stream=True)` of ultralytics on all videos of a folder: CPU-seconds and seconds.

`python ultralytics_job.py MODEL VIDEOS BATCH SQUARE`; answers a line of JSON. With SQUARE 1 the
model gets pictures as square as the one that it was made for, as ours does, and not only as high as
the video needs. The first batches do not count.
"""

import json
import sys
import time

import cv2
import torch
from ultralytics import YOLO

WARM_UP = 5


def main(model, videos, batch, square):
    threads = len(__import__("os").sched_getaffinity(0))
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    results = YOLO(model, task="detect").predict(
        f"{videos}/*.mp4",
        stream=True,
        batch=batch,
        rect=not square,
        conf=0.1,
        device="cpu",
        verbose=False,
        save=False,
    )
    count = 0
    for number, _ in enumerate(results):
        if number == WARM_UP * batch - 1:
            wall, spent = time.perf_counter(), time.process_time()
        count = number + 1
    count -= WARM_UP * batch
    wall, spent = time.perf_counter() - wall, time.process_time() - spent
    print(json.dumps({"pictures": count, "wall": wall, "cpu": spent}))


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "1")
