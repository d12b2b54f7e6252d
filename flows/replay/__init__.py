"""`vigie replay`: definitions over history, on a virtual clock.

`replay` is the door: `sources` and `history_*` bring events in, `player` runs them, `episodes`,
`diff`, `lint` and `report` say what came of it; `pictures` looks at recordings of cameras again.
Imports `testing`, `dataflow` and `vision`.
"""
