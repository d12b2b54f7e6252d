"""`vigie test`: runs the tests of a definition on a virtual clock; imports `dataflow`.

`runner` is the door.
"""
