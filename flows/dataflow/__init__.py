"""The pure machine of a flow: compiler, plan, graph and clocks, without engine or I/O.

The live flow, `vigie test` and `vigie replay` run it; `playback` gives it a virtual clock. Imports
`language`.
"""
