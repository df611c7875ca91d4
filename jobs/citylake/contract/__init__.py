"""What was promised: the only reader of `schemas/`, its lint and its red lines."""
