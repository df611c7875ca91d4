"""A synthetic Shenyang: first the truth, then what its offices deliver, with planted defects and a log of
them.
"""

from citylake.synthetic.generate import generate

__all__ = ["generate"]
