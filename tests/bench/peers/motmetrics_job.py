"""IDF1 and identity switches by `motmetrics`: lines of JSON in, lines of JSON out.

`python motmetrics_job.py < scenes`: each line is [truth, tracks], both lists of [picture, name,
[left, top, width, height]]; each answer is [IDF1, switches].
"""

import json
import sys

import motmetrics


def by_picture(boxes):
    pictures, numbers = {}, {}
    for picture, name, box in boxes:
        pictures.setdefault(picture, ([], []))
        pictures[picture][0].append(numbers.setdefault(name, len(numbers)))
        pictures[picture][1].append(box)
    return pictures


for line in sys.stdin:
    truth, tracks = map(by_picture, json.loads(line))
    judge = motmetrics.MOTAccumulator(auto_id=True)
    for picture in sorted({*truth, *tracks}):
        people, true = truth.get(picture, ([], []))
        names, made = tracks.get(picture, ([], []))
        far = motmetrics.distances.iou_matrix(true, made, max_iou=0.5)
        judge.update(people, names, far)
    found = motmetrics.metrics.create().compute(judge, metrics=["idf1", "num_switches"])
    print(json.dumps([float(found.idf1.iloc[0]), int(found.num_switches.iloc[0])]), flush=True)
