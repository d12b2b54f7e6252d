"""Alarms of a flow, after ISA-18.2 and OPC UA Part 9.

The doors are `settings.Alarm`, an entry of `alarms:`, and `logic.make_logic`, which makes what runs
it. `engine` is the state machine below; `kpi` counts how well alarms serve the people who answer
them. It may import `columnar`, `model`, `component` and `events`.
"""
