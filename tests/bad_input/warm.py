"""Loaded once by the process from which every case is forked."""

import pandas  # noqa: F401  (pyarrow looks for it at the first conversion, which costs a second)

from tests.bad_input.judge import base_contracts

base_contracts()
