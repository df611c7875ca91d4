"""Faults that people met with other loaders: each folder holds a small file and
`expected.json`, what must come.
"""
