"""Models of others turned into ONNX, at a user's request: none of them ships with Vigie.

`coco` makes the first real model; `ultralytics_export` turns a `.pt` into ONNX or OpenVINO.
"""
