"""Where a model named in a definition is found."""

import hashlib
from pathlib import Path

import pytest

from connectors.detector.lookup import Places, find_model, known_models, parse_object
from connectors.detector.model import ModelError


def touch(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"model")
    return str(path.resolve())


def test_the_demo_model_is_there_without_a_file():
    assert Path(find_model("demo8n", Places())).stat().st_size > 1_000_000


def test_a_name_is_looked_for_beside_the_definition_then_beside_the_site(tmp_path):
    site = touch(tmp_path / "site" / "models" / "yard.onnx")
    places = Places(definition=tmp_path / "flows", site=tmp_path / "site")
    assert find_model("yard", places) == site
    own = touch(tmp_path / "flows" / "models" / "yard.onnx")
    assert find_model("yard", places) == own


def test_a_folder_of_the_machine_serves_all_definitions(tmp_path, monkeypatch):
    shared = touch(tmp_path / "shared" / "yard.onnx")
    monkeypatch.setenv("VIGIE_MODELS", str(tmp_path / "shared"))
    assert find_model("yard", Places(definition=tmp_path)) == shared


def test_a_path_starts_at_the_definition(tmp_path):
    path = touch(tmp_path / "nets" / "a.onnx")
    places = Places(definition=tmp_path)
    assert find_model("nets/a.onnx", places) == path
    assert find_model(path, places) == path
    with pytest.raises(ModelError, match="no file"):
        find_model("nets/b.onnx", places)


def test_the_site_file_says_which_file_a_name_means(tmp_path):
    path = touch(tmp_path / "site" / "small.onnx")
    places = Places(
        definition=tmp_path / "flows", site=tmp_path / "site", mapped={"yolov8n": "small.onnx"}
    )
    assert find_model("yolov8n", places) == path
    to_demo = Places(mapped={"yolov8n": find_model("demo8n", Places())})
    assert find_model("yolov8n", to_demo).endswith("demo8n.onnx")


def test_a_model_that_nobody_has_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(ModelError) as refused:
        find_model("yolov8n", Places(definition=tmp_path))
    words = str(refused.value)
    for part in (
        "yolov8n.onnx",
        str(tmp_path / "models"),
        "models: {yolov8n:",
        "demo8n",
        "get coco",
    ):
        assert part in words


def test_known_models_are_those_that_would_be_taken(tmp_path):
    own = touch(tmp_path / "models" / "demo8n.onnx")
    assert str(known_models(Places(definition=tmp_path))["demo8n"].resolve()) == own


def test_an_object_is_fetched_once_and_checked(tmp_path):
    data = b"the model"
    asked = []

    def fetch(bucket: str, key: str) -> bytes:
        asked.append((bucket, key))
        return data

    address = f"s3://nets/a/yard.onnx#sha256={hashlib.sha256(data).hexdigest()}"
    places = Places(cache=tmp_path / "cache", fetch=fetch)
    path = Path(find_model(address, places))
    assert path.read_bytes() == data
    assert find_model(address, places) == str(path)
    assert asked == [("nets", "a/yard.onnx")]
    path.write_bytes(b"half")
    assert Path(find_model(address, places)).read_bytes() == data
    assert len(asked) == 2


def test_an_object_of_another_checksum_is_not_used(tmp_path):
    address = f"s3://nets/yard.onnx#sha256={'0' * 64}"
    places = Places(cache=tmp_path / "cache", fetch=lambda bucket, key: b"other")
    with pytest.raises(ModelError, match="another checksum"):
        find_model(address, places)
    assert not list(tmp_path.glob("cache/*"))


@pytest.mark.parametrize(
    "address",
    ["s3://nets/a.onnx", "s3://nets#sha256=" + "0" * 64, "s3://nets/a.txt#sha256=" + "0" * 64],
)
def test_an_address_without_checksum_or_key_is_refused(address):
    with pytest.raises(ModelError):
        parse_object(address)
