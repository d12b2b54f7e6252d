"""The flows of a site as a source: what they announce, and that one announces nothing any more.

`watch` judges, `receiver` listens.
"""
