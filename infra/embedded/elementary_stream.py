"""Videos as H.264 elementary streams, which GStreamer can repeat without an end."""

from fractions import Fraction
from pathlib import Path
from typing import cast


def elementary_stream(file: Path, folder: Path, fps: int) -> tuple[Path, tuple[int, int]]:
    """The file's pictures as an elementary stream, and their rate as a fraction.

    H.264 without B-frames is copied, anything else is encoded, once a `folder`. A file that is one
    already, `NAME.h264`, is as it is, with `fps` pictures a second.
    """
    import av

    if file.suffix == ".h264":
        return file, (fps, 1)
    folder.mkdir(parents=True, exist_ok=True)
    stream = folder / f"{file.name}.h264"
    with av.open(str(file)) as video:
        source = video.streams.video[0]
        rate = Fraction(source.average_rate or fps).limit_denominator(1001)
        if not stream.exists():
            part = stream.with_suffix(".part")
            with av.open(str(part), "w", format="h264") as output:
                if source.codec_context.name == "h264" and not source.codec_context.has_b_frames:
                    copy = output.add_stream_from_template(source)
                    for packet in video.demux(source):
                        if packet.dts is not None:
                            packet.stream = copy
                            output.mux(packet)
                else:
                    _encode(video, output, rate)
            part.replace(stream)
    return stream, (rate.numerator, rate.denominator)


def _encode(video: object, output: object, rate: Fraction) -> None:
    import av
    from av.container import InputContainer, OutputContainer

    source = cast(InputContainer, video)
    target = cast(OutputContainer, output)
    encoder = target.add_stream("libx264", rate=rate)
    assert isinstance(encoder, av.VideoStream)
    picture = source.streams.video[0]
    encoder.width = picture.width // 2 * 2
    encoder.height = picture.height // 2 * 2
    encoder.pix_fmt = "yuv420p"
    encoder.thread_count = 1  # several make several slices of each picture
    encoder.options = {"preset": "veryfast", "bf": "0", "g": str(max(1, round(rate)))}
    for number, frame in enumerate(source.decode(picture)):
        frame.pts = number
        frame.time_base = 1 / rate
        target.mux(encoder.encode(frame.reformat(encoder.width, encoder.height, "yuv420p")))
    target.mux(encoder.encode())
