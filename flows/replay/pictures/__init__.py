"""Replay of pictures: recordings of cameras are looked at again, by the definition's own model.

`history` is the door: `recordings` says which files there are, `look` how they are looked at,
`looking` does it, `known` keeps what was found, `stays` lists what the flow makes of it.
"""
