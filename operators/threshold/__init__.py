"""The step `threshold`: an on/off signal from a condition on each signal.

The door is `step.Threshold`. It may import `columnar`, `model`, `component` and `events`.
"""
