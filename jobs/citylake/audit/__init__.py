"""What can be proved: conservation, check, trace, impact. It only reads."""
