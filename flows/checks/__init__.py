"""Checks of a definition's meaning, a topic a file; the door is `run_all.check`.

Each check notes problems in the document. Imports `testing`, `dataflow` and `language`.
"""
