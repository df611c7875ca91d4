"""A dataset that nobody here has seen: the form of a file, what its columns hold, and a contract drafted from
both.
"""
