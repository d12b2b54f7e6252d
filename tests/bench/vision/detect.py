"""The detection process beside its bare model: pictures from a topic, results to a topic."""

import statistics
import time
from pathlib import Path

import cv2
import numpy as np
from kafka import KafkaProducer

from connectors.base import ConnectorContext
from connectors.detector.letterbox import letterbox
from connectors.detector.lookup import Places, find_model
from connectors.detector.measurement import cores
from connectors.detector.onnx_backend import OnnxBackend
from connectors.kafka.admin import ensure_topic
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from flows.vision.frames_topic import PictureHead, headers_of
from infra.demo import street_scenes
from infra.embedded.broker import Broker
from operators.events import Frame
from tests.bench.report import Figure
from tests.flow_process import cpu_of, family
from tests.flows.vision.detecting import FLOW, Process
from tests.waiting import wait_until

CAMERAS, PICTURES, SCENES = 8, 1000, 40
WIDTH, HEIGHT = 640, 360
BATCH, WARM_UP = 8, 200
ROUNDS = 3
MODEL = "demo8n"
OLDEST = 3600.0
BY_CLOCK, BY_CPU = "pictures/s", "pictures per CPU-second"


def detect(folder: Path) -> list[Figure]:
    """Pictures a second, in turn with the bare model; medians of `ROUNDS`. Those by the CPU-second
    say the same on a machine that has other work to do, and do not count the broker.
    """
    drawn = scenes()
    jpegs = [cv2.imencode(".jpg", picture, [1, 85])[1].tobytes() for picture in drawn]
    ours, alone = [], []
    for number in range(ROUNDS):
        alone.append(bare(drawn))
        with Broker(folder / f"broker{number}") as broker:
            ours.append(_through(broker, folder / f"data{number}", jpegs))
    alone.append(bare(drawn))
    return [
        Figure(
            f"pictures of {CAMERAS} cameras, topic → {MODEL} → topic, {by}",
            statistics.median(rate[by] for rate in ours),
            by,
            "the model alone, the same threads and batch",
            statistics.median(rate[by] for rate in alone),
            "≥ 70 %",
        )
        for by in (BY_CLOCK, BY_CPU)
    ]


def scenes() -> list[np.ndarray]:
    """Pictures of streets with people and cars."""
    return [picture for picture, _ in street_scenes.video(1, WIDTH, HEIGHT, SCENES)]


def bare(
    drawn: list[np.ndarray], pictures: int = PICTURES, square: bool = False
) -> dict[str, float]:
    """Runs of the model on pictures that are decoded and scaled already.

    `square` puts them on an input of the model's own size, though fewer rows would do.
    """
    backend = OnnxBackend(find_model(MODEL, Places()), cores())
    some, facts = (drawn * BATCH)[:BATCH], backend.facts
    values = backend.prepare(some).values
    if square:
        values = letterbox(some, facts.height, facts.width)[0]
    for _ in range(WARM_UP // BATCH):
        backend.run(values)
    runs = (pictures - WARM_UP) // BATCH
    start, spent = time.perf_counter(), time.process_time()
    for _ in range(runs):
        backend.run(values)
    return {
        BY_CLOCK: runs * BATCH / (time.perf_counter() - start),
        BY_CPU: runs * BATCH / (time.process_time() - spent),
    }


def _through(broker: Broker, data: Path, jpegs: list[bytes]) -> dict[str, float]:
    """Pictures that wait in their topic, by a process that starts; from the first results on."""
    connection = TopicConnection(brokers=[broker.address], idempotence=False)
    topic = connection.topic_names.frames(FLOW, "video")
    ensure_topic(connection, topic, CAMERAS)
    producer = KafkaProducer(**connection.client_options(), enable_idempotence=False)
    for number in range(PICTURES):
        camera = f"camera{number % CAMERAS}"
        head = PictureHead(f"{camera}/{number}", time.time(), camera, WIDTH, HEIGHT)
        data_of = jpegs[number % len(jpegs)]
        producer.send(topic, data_of, camera.encode(), headers_of(head), partition=number % CAMERAS)
    producer.flush()
    producer.close()
    source = Topic(name=connection.topic_names.of_source(FLOW, "video"), new_partitions=1)
    context = ConnectorContext(flow="bench", name="look", connection=connection)
    [part] = source.partitions(context)
    reader = source.open(context, part, None)
    seen: list[tuple[int, float, float]] = []

    def done() -> bool:
        while batch := reader.read():
            count = sum(isinstance(event, Frame) for event in batch.events)
            count += seen[-1][0] if seen else 0
            seen.append((count, time.perf_counter(), sum(map(cpu_of, family(process.pid)))))
        return bool(seen) and seen[-1][0] >= PICTURES

    settings = {
        "model": find_model(MODEL, Places()),
        "classes": ["person", "car"],
        "threads": cores(),
        "batch": {"max": BATCH, "wait": 0.04},
        "deadline": OLDEST,
        "save_every": 1.0,
    }
    with Process(connection, "video", data, **settings) as process:
        wait_until(done, 300, "every picture", every=0.05)
    reader.close()
    first, began, spent = next(each for each in seen if each[0] >= WARM_UP)
    last, ended, spent_then = seen[-1]
    return {
        BY_CLOCK: (last - first) / (ended - began),
        BY_CPU: (last - first) / (spent_then - spent),
    }
