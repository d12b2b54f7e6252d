"""ByteTrack of `trackers` on boxes: lines of JSON in, lines of JSON out, for every scene.

`python bytetrack_job.py < scenes`: each line is {"rate": pictures/s, "pictures": [[number, boxes]]}
with boxes as [left, top, right, bottom] in pixels; each answer is a list of [picture, track, box]
and the CPU-seconds it took. What it has not yet given a track is left out.
"""

import json
import sys
import time

import numpy as np
import supervision as sv
import trackers


def follow(rate, pictures):
    tracker = trackers.ByteTrackTracker(
        frame_rate=rate, lost_track_buffer=60, minimum_consecutive_frames=1
    )
    out = []
    for number, boxes in pictures:
        found = np.array(boxes, dtype=float).reshape(-1, 4)
        seen = tracker.update(
            sv.Detections(
                xyxy=found,
                confidence=np.full(len(found), 0.9),
                class_id=np.zeros(len(found), int),
            )
        )
        ids = seen.tracker_id if seen.tracker_id is not None else []
        out += [
            [number, int(one), box.tolist()]
            for box, one in zip(seen.xyxy, ids, strict=True)
            if one is not None and one >= 0
        ]
    return out


for line in sys.stdin:
    scene = json.loads(line)
    before = time.process_time()
    made = follow(scene["rate"], scene["pictures"])
    print(json.dumps([made, time.process_time() - before]), flush=True)
