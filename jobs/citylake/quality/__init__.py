"""What may pass: the gate, Great Expectations over numbers that were counted while rows were written."""
