"""Formats of devices and gateways: one file or folder a dialect, named as in `decode: {as: …}`.

`catalogue` lists them. A dialect imports `operators.decoding.payloads`, and another dialect only
where a device speaks both.
"""
