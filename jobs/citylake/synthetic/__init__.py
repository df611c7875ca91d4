"""A synthetic Shenyang: first the truth, then what its offices deliver, with planted defects."""

from citylake.synthetic.generate import generate

__all__ = ["generate"]
